// Defines the element once and puts one on the page, however many times the tag stands there.
import { defineChat } from "./chat";

const TAG = "vejviser-chat";
const script = document.currentScript as HTMLScriptElement | null;

if (!customElements.get(TAG)) {
  // The door is wherever this file came from; the page around it cannot name another.
  const home = new URL(".", script?.src || location.href).href;
  defineChat(TAG, home);
  const place = () => {
    if (document.querySelector(TAG)) return;
    const chat = document.createElement(TAG);
    for (const name of ["kommune", "sprog", "tema"]) {
      const value = script?.dataset[name];
      if (value) chat.setAttribute(name, value);
    }
    document.body.append(chat);
  };
  if (document.body) place();
  else document.addEventListener("DOMContentLoaded", place);
}
