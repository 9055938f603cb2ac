// The look-up: answers as one types, by keyboard alone. Nodes and text only, nothing parsed as HTML.
"use strict";

const csrf = document.querySelector("meta[name=csrf]").content;
const field = document.getElementById("q");
const place = document.getElementById("kommune");
const list = document.getElementById("hits");
const count = document.getElementById("count");
const explained = document.getElementById("explained");
const danger = document.getElementById("danger");
const PAUSE_MS = 450; // a pause in the typing, after which a whole sentence is understood

let hits = [];
let active = -1;
let line = new AbortController(); // of the questions about what stands in the field now
let pause = 0;
let placeWasNamed = false; // the municipality in the field was heard in the words, not chosen

async function ask(path) {
  const body = JSON.stringify({ q: field.value, kommune: placeWasNamed ? null : place.value || null });
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
  const response = await fetch(path, { method: "POST", headers, body, signal: line.signal });
  if (response.redirected) location.reload(); // the login is over
  return response.json();
}

async function search() {
  line.abort(); // an answer to what stood there before would come too late
  line = new AbortController();
  clearTimeout(pause);
  danger.replaceChildren();
  if (!field.value.trim()) return show([], "");
  try {
    const found = await ask("/opslag/soeg");
    took(found);
    show(found.hits, found.today ? `Hedder nu ${found.today}. ` : "");
  } catch (error) {
    if (error.name === "AbortError") return;
    count.textContent = "Der er ikke forbindelse lige nu. Prøv igen.";
  }
  if (/\S\s+\S/.test(field.value.trim())) pause = setTimeout(understand, PAUSE_MS);
}

async function understand() {
  try {
    const found = await ask("/opslag/forstaa");
    took(found);
    for (const line of found.danger) danger.append(node("p", "bad", line));
    const known = new Set(found.hits.map((hit) => hit.topic));
    const heard = found.hits.map((hit) => ({ ...hit, why: "forstået" }));
    if (heard.length && active < 0) show([...heard, ...hits.filter((hit) => !known.has(hit.topic))].slice(0, 9), "");
    else if (!hits.length) {
      count.textContent = found.silent
        ? "Forståelsen svarer ikke lige nu. Søg på enkelte ord."
        : "Intet fundet. Prøv et andet ord, eller se listen.";
    }
  } catch {
    // What was found by the words stays.
  }
}

/** A municipality in the words fills the field beside, until one is chosen there. */
function took(found) {
  if (found.municipality && (placeWasNamed || !place.value)) {
    place.value = found.municipality.name;
    placeWasNamed = true;
  }
}

function show(found, before) {
  const chosen = hits[active]?.topic; // results may come after the arrow key: what was chosen stays so
  hits = found;
  active = -1;
  list.replaceChildren(
    ...hits.map((hit, i) => {
      const option = node("div", "hit");
      option.id = `hit${i}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.append(node("kbd", "", String(i + 1)), node("span", "title", hit.title), node("span", "small", hit.why));
      option.addEventListener("click", () => choose(i));
      return option;
    }),
  );
  list.hidden = !hits.length;
  explained.hidden = true;
  field.setAttribute("aria-expanded", String(!!hits.length));
  field.removeAttribute("aria-activedescendant");
  count.textContent = before + (hits.length ? `${hits.length} fundet` : field.value.trim() ? "Intet endnu" : "");
  const again = chosen ? hits.findIndex((hit) => hit.topic === chosen) : -1;
  if (again >= 0) move(again);
}

function move(to) {
  active = Math.max(0, Math.min(hits.length - 1, to));
  [...list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === active)));
  if (!hits.length) return;
  field.setAttribute("aria-activedescendant", `hit${active}`);
  list.children[active].scrollIntoView({ block: "nearest" });
}

function choose(i) {
  const hit = hits[i];
  if (!hit) return;
  if (!hit.topic) {
    explained.replaceChildren(node("strong", "", `${hit.title}: `), hit.explained);
    explained.hidden = false;
    count.textContent = `${hit.title}: ${hit.explained}`;
    return;
  }
  const query = new URLSearchParams({ emne: hit.topic });
  for (const name of ["kommune", "ogsaa"]) {
    const value = document.getElementById(name).value.trim();
    if (value) query.set(name, value);
  }
  location.assign(`/opslag?${query}`);
}

function node(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

field.addEventListener("input", search);
if (field.value.trim()) search(); // typed before this was loaded
place.addEventListener("input", () => {
  placeWasNamed = false;
  if (field.value.trim()) search();
});
field.addEventListener("keydown", (event) => {
  const digit = /^Digit([1-9])$/.exec(event.code);
  if (event.key === "ArrowDown") move(active + 1);
  else if (event.key === "ArrowUp") move(active - 1);
  else if (event.key === "Enter" && field.value.trim()) choose(Math.max(0, active));
  else if (event.key === "Escape") {
    field.value = "";
    search();
  } else if (digit && (event.altKey || active >= 0)) choose(Number(digit[1]) - 1);
  else return;
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (/^[1-9]$/.test(event.key) && !typing && hits.length) choose(Number(event.key) - 1);
});
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
      count.textContent = "Kortet er kopieret.";
    } catch {
      count.textContent = "Det lykkedes ikke at kopiere.";
    }
  });
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => {
    for (const card of document.querySelectorAll(".card")) card.classList.toggle("apart", !card.contains(button));
    print();
  });
}
