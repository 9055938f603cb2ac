"use strict";
// Talks with /api/v1/messages. Builds nodes, never HTML from text; keeps the session id in memory only.
const log = document.getElementById("log");
const field = document.getElementById("text");
const status = document.getElementById("status");
let session = null;

function add(tag, className, text, parent = log) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  parent.append(node);
  return node;
}

function say(who, text) {
  const node = add("div", who === "me" ? "me" : "bot");
  add("span", "hidden-label", who === "me" ? "Du skrev: " : "Vejviser: ", node);
  for (const part of text.split(/(\b(?:\d\d ){3}\d\d\b)/)) {
    if (/^(\d\d ){3}\d\d$/.test(part)) add("a", "", part, node).href = "tel:+45" + part.replaceAll(" ", "");
    else node.append(part);
  }
  return node;
}

function choices(buttons) {
  if (!buttons.length) return;
  const row = add("div", "choices");
  for (const { title, payload } of buttons) {
    add("button", "", title, row).addEventListener("click", () => { field.focus(); row.remove(); send(payload, title); });
  }
}

async function send(text, shown = text) {
  say("me", shown);
  status.textContent = "Vejviser skriver ...";
  try {
    const response = await fetch("/api/v1/messages", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ session, text }),
    });
    const reply = await response.json();
    if (reply.error) {
      if (reply.error.code === "unknown_session") session = null;
      say("bot", reply.error.message);
      field.value = text;
    } else {
      session = reply.session;
      let first;
      for (const message of reply.messages) {
        const node = say("bot", message.text);
        first = first || node;
        choices(message.buttons);
      }
      first.scrollIntoView({ block: "nearest" });
    }
  } catch {
    say("bot", "Beskeden kom ikke frem. Prøv igen, eller ring til kommunens Borgerservice. Er nogen i fare, så ring 112.");
    field.value = text;
  }
  status.textContent = "";
}

document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  send(text);
});
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    document.getElementById("form").requestSubmit();
  }
});
