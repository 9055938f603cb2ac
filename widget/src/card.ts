// The department card: what one acts on, in few words; the rest folded away, so that it is short when read aloud.
import { h, link, tel } from "./dom";
import type { Language, Strings } from "./strings";
import type { Answer, Hours, Line, Phone, Source } from "./types";

const ZONE = "Europe/Copenhagen";
const locale = (language: Language) => (language === "da" ? "da-DK" : "en-GB");

/** `14` or `14.30` in Danish, `14:30` in English. */
function clock(iso: string, language: Language): string {
  const time = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" }).format(
    new Date(iso),
  );
  return language === "en" ? time : short(time);
}

function short(time: string): string {
  const [hour, minute] = time.split(":");
  return minute === "00" ? String(Number(hour)) : `${Number(hour)}.${minute}`;
}

/** A coming moment for people, seen from the moment the answer holds for: `i morgen kl. 9`. */
function when(iso: string, now: string, language: Language, t: Strings): string {
  const day = (moment: string) =>
    Date.parse(new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, dateStyle: "short" }).format(new Date(moment)));
  const days = Math.round((day(iso) - day(now)) / 86_400_000);
  const date =
    days === 0
      ? t.today
      : days === 1
        ? t.tomorrow
        : `${new Intl.DateTimeFormat(locale(language), {
            timeZone: ZONE,
            weekday: "long",
            day: "numeric",
            month: "long",
          }).format(new Date(iso))} ${t.at}`;
  return `${date} ${clock(iso, language)}`;
}

/** Whether somebody answers now; null when that is not known. */
function openness(line: Phone | Line, now: string, language: Language, t: Strings): string | null {
  if (line.open_now === null) return null;
  if (line.open_now) return line.closes ? t.openUntil(clock(line.closes, language)) : t.openAll;
  return line.next_opening ? `${t.closed}. ${t.opens(when(line.next_opening, now, language, t))}` : t.closed;
}

function week(hours: Hours[], t: Strings): string {
  return hours
    .map((line) => {
      const days = line.days.split("-").map((day) => t.days[day] ?? day);
      return `${days.join("-")} ${t.at} ${short(line.opens)}-${short(line.closes)}`;
    })
    .join(", ");
}

/** A source's date for people: `ca. maj 2020`, `udateret`. */
function dated(text: string, language: Language, t: Strings): string {
  const match = /^(ca\. |tidligst )?(\d{4})(?:-(\d\d))?(?:-(\d\d))?$/.exec(text);
  if (!match) return text === "udateret" ? t.undated : text;
  const [, about = "", year, month, day] = match;
  if (!month) return about + year;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day ?? 1)));
  const parts: Intl.DateTimeFormatOptions = { timeZone: "UTC", month: "long", year: "numeric" };
  if (day) parts.day = "numeric";
  return about + new Intl.DateTimeFormat(locale(language), parts).format(date);
}

function sourceName(source: Source): string {
  try {
    return new URL(source.url ?? "").hostname.replace(/^www\./, "");
  } catch {
    return source.title ?? source.url ?? "";
  }
}

/** Whether the answer is one whose facts stand better in a card. */
export function wantsCard(answer: Answer | null, lastDepartment: string | null): boolean {
  if (!answer?.department || answer.question || !answer.municipality) return false;
  if (answer.kind !== "answer" && answer.kind !== "degraded") return false;
  return answer.department.name !== lastDepartment || answer.facets.includes("where");
}

/** The text without the lines that the card says; what was asked for, and what the card does not hold, stays. */
export function lead(text: string, answer: Answer): string {
  if (!answer.facets.includes("where") || answer.facets.includes("hours")) return text;
  const said: string[] = [];
  for (const phone of answer.department?.phones ?? []) said.push(`Ring ${phone.number} (`, `Telefon ${phone.number} er`);
  if (answer.department?.phones.length) said.push("Om telefonen er åben nu, ved vi ikke.");
  const law = answer.legal_basis[0];
  // A second provision ("Se også") stands in the text only, so such a line stays.
  if (law && !law.law.startsWith("(") && !answer.facets.includes("legal")) said.push(`Loven: ${law.law} ${law.section}`);
  if (answer.how_to_apply?.steps[0] && !answer.facets.includes("how")) said.push(`Sådan gør du: 1. ${answer.how_to_apply.steps[0]}`);
  if (answer.sources.length) said.push("Kilde: ");
  return text
    .split("\n")
    .filter((line) => line.includes("Se også") || !said.some((start) => line.startsWith(start)))
    .join("\n");
}

function fact(label: string, ...content: (Node | string)[]): Node[] {
  return [h("dt", {}, label), h("dd", {}, ...content)];
}

export function departmentCard(answer: Answer, language: Language, t: Strings, home: string): HTMLElement {
  const department = answer.department!;
  const card = h("div", { class: "card", lang: language });
  const name = department.generic ? `${t.ask}: ${department.type_name}` : department.name;
  card.append(h("h3", {}, name));
  let known = false;
  for (const phone of department.phones) {
    const state = openness(phone, answer.as_of, language, t);
    known ||= state !== null;
    card.append(
      h(
        "p",
        { class: "phone" },
        tel(phone.number, t.callNumber(phone.number), "call"),
        state && h("strong", { class: phone.open_now ? "open" : "shut" }, state),
        phone.whose !== department.name && h("span", {}, phone.whose),
        phone.other && h("span", {}, t.otherUnit),
        phone.stale && h("span", { class: "small" }, t.stalePhone(dated(phone.as_of, language, t))),
      ),
    );
  }
  if (department.phones.length && !known && !department.unknown_day) card.append(h("p", {}, t.unknownOpen));
  if (department.address) card.append(h("p", {}, department.address));

  const facts = h("dl");
  const timed = department.phones.filter((phone) => phone.hours.length);
  for (const phone of timed) facts.append(...fact(`${t.phoneHours} ${phone.number}`, week(phone.hours, t)));
  if (!timed.length) facts.append(...fact(t.phoneHours, t.unknownHours));
  if (department.opening_hours.length) facts.append(...fact(t.visits, week(department.opening_hours, t)));
  const how = answer.how_to_apply;
  if (how?.steps.length) {
    const steps = h("ol", {}, ...how.steps.map((step) => h("li", {}, step)));
    facts.append(...fact(t.steps, steps, ...(how.url ? [link(how.url, t.applyHere)] : [])));
  }
  const law = answer.legal_basis[0];
  if (law && !law.law.startsWith("(")) {
    const cited = `${law.law} ${law.section}`.trim();
    const old = law.replaces && law.replaces !== cited && law.replaced_until;
    const last = law.replaced_until ?? "";
    const end = last.endsWith("-12-31") ? last.slice(0, 4) : dated(last, language, t);
    const until = old ? t.until(end, law.replaces!) : "";
    facts.append(...fact(t.law, law.url ? link(law.url, cited) : cited, until));
  }
  const source = answer.sources[0];
  if (source) {
    const where = sourceName(source);
    const doubt = source.stale || source.confidence === "medium" ? ` ${t.doubt}` : "";
    const date = `, ${dated(source.date_text, language, t)}.${doubt}`;
    facts.append(...fact(t.source, source.url ? link(source.url, where) : where, date));
  }
  card.append(h("details", {}, h("summary", {}, t.more), facts));
  if (answer.topic && answer.municipality) {
    const page = `${home}kommune/${answer.municipality.code}/${answer.topic}`;
    card.append(h("p", {}, link(page, t.page, home)));
  }
  return card;
}

/** The lines of a crisis or a wish to talk with somebody: each a big thing to press. */
export function helplineCard(answer: Pick<Answer, "helplines" | "as_of">, language: Language, t: Strings): HTMLElement {
  return h(
    "ul",
    { class: "card lines" },
    ...answer.helplines.map((line) => {
      const state = openness(line, answer.as_of, language, t);
      return h(
        "li",
        {},
        tel(line.phone, t.callNumber(line.phone), "call"),
        h("span", {}, line.name),
        state && h("strong", { class: line.open_now ? "open" : "shut" }, state),
      );
    }),
  );
}
