// A chat that has been taken over: messages both ways, nodes and text only.
"use strict";

const csrf = document.querySelector("meta[name=csrf]").content;
const log = document.getElementById("log");
const form = document.getElementById("write");
const field = document.getElementById("text");
const state = document.getElementById("chatstate");
const path = log.dataset.messages;
let looking = false;

async function look() {
  if (looking) return;
  looking = true;
  try {
    const last = log.lastElementChild?.dataset.id ?? "0";
    const response = await fetch(`${path}?efter=${last}`);
    if (response.redirected || response.status === 404) return location.reload();
    const found = await response.json();
    for (const message of found.messages) add(message);
    state.textContent = found.state === "claimed" ? "" : "Samtalen er slut. Chatbotten har ordet igen.";
    form.hidden = found.state !== "claimed";
  } catch {
    state.textContent = "Der er ikke forbindelse lige nu. Det, du skriver, bliver stående.";
  } finally {
    looking = false;
  }
}

function add(message) {
  const line = document.createElement("p");
  line.className = message.author;
  line.dataset.id = message.id;
  const who = document.createElement("span");
  who.className = "small";
  who.textContent = `${message.author === "staff" ? "Dig" : "Personen"}${message.danger ? " (nævner fare)" : ""}: `;
  line.append(who, message.text);
  log.append(line);
  log.scrollTop = log.scrollHeight;
}

async function send(event) {
  event?.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  try {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
    const response = await fetch(path, { method: "POST", headers, body: JSON.stringify({ text }) });
    if (!response.ok || response.redirected || !(await response.json()).sent) throw new Error();
    if (field.value.trim() === text) field.value = "";
    await look();
  } catch {
    state.textContent = "Beskeden kom ikke frem. Den står stadig i feltet.";
  }
}

form.addEventListener("submit", send);
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
});
look();
setInterval(look, 3000);
