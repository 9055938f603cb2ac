// Nodes and text only: nothing here or elsewhere in the widget parses HTML.

type Child = Node | string | null | undefined | false;

/** Make an element; `attributes` with a null or false value are left out, `true` becomes an empty one. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number | boolean | null | undefined> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child): child is Node | string => !!child));
  return node;
}

export function button(label: string, press: () => void, className = "", ...children: Child[]): HTMLButtonElement {
  const node = h("button", { type: "button", class: className }, ...children, label);
  node.addEventListener("click", press);
  return node;
}

/** A link to https:, tel:, mailto: or a page of the door itself (`home`); anything else becomes plain text. */
export function link(address: string, label: string, home = "", className = ""): Node {
  let target: URL;
  try {
    target = new URL(address);
  } catch {
    return document.createTextNode(label);
  }
  const ours = home !== "" && target.href.startsWith(home);
  if (!ours && !["https:", "tel:", "mailto:"].includes(target.protocol)) return document.createTextNode(label);
  const outward = target.protocol.startsWith("http");
  return h(
    "a",
    { href: target.href, class: className, rel: outward && "noopener noreferrer", target: outward && "_blank" },
    label,
  );
}

export function tel(number: string, label = number, className = ""): Node {
  const digits = number.replace(/\D/g, "");
  return link(`tel:${digits.length === 8 ? "+45" : ""}${digits}`, label, "", className);
}

const CLICKABLE = /(https:\/\/[^\s<>"]*[^\s<>".,;:!?)]|\b(?:\d\d ){3}\d\d\b|\b11[2-4]\b(?! ?%)|\b1813\b)/;

/** Text with its phone numbers and addresses made clickable, one paragraph a line. */
export function paragraphs(text: string): HTMLElement[] {
  return text
    .split("\n")
    .filter((line) => line.trim())
    .map((line) => {
      const parts = line.split(CLICKABLE).map((part, i) => {
        if (i % 2 === 0) return part;
        return part.startsWith("https:") ? link(part, part) : tel(part);
      });
      return h("p", {}, ...parts);
    });
}
