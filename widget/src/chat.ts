// The element: a launcher, a panel that is a dialog but not a modal one, and the talk with the door.
import { Api, Failure } from "./api";
import { departmentCard, helplineCard, lead, wantsCard } from "./card";
import { button, h, link, paragraphs, tel } from "./dom";
import { Human } from "./human";
import { type Language, STRINGS, type Strings } from "./strings";
import css from "./style.css";
import type { Answer, Button, Contact, Message } from "./types";

const SLOW_MS = 2000;
const AGAIN_MS = [1500, 4000]; // what the line loses is sent again: a door that is being started is back by then
const KEY = "vejviser-session";
const MAX_TEXT = 1000;
const MAX_REASON = 200;

/** What was tried and may be tried again: what goes to the door, what stands in the log, what was in the field. */
interface Attempt {
  text: string;
  shown: string;
  typed?: string;
}

export function defineChat(tag: string, home: string): void {
  customElements.define(
    tag,
    class extends HTMLElement {
      private chat?: Chat;

      connectedCallback(): void {
        this.chat ??= new Chat(this, home);
      }
    },
  );
}

class Chat {
  private readonly api: Api;
  private readonly t: Strings;
  private readonly language: Language;
  private municipality: string | null;
  private session: string | null = remembered();
  private contact: Contact | null = null;
  private asking: Promise<void> | null = null;
  private busy = false;
  private choices: Button[] = [];
  private lastDepartment: string | null = null;
  private slowTimer = 0;
  private talk = 0; // counts conversations, so that a reply to a deleted one is thrown away

  private readonly human: Human;
  private readonly launcher: HTMLButtonElement;
  private readonly panel: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly log: HTMLElement;
  private readonly after: HTMLElement;
  private readonly status: HTMLElement;
  private readonly field: HTMLTextAreaElement;

  constructor(element: HTMLElement, home: string) {
    this.api = new Api(home);
    const asked = element.getAttribute("sprog") ?? document.documentElement.lang;
    this.language = asked.toLowerCase().startsWith("en") ? "en" : "da";
    this.t = STRINGS[this.language];
    this.municipality = element.getAttribute("kommune");
    const t = this.t;

    this.launcher = h(
      "button",
      { type: "button", class: "launcher", "aria-expanded": "false", "aria-controls": "panel" },
      t.launch,
    );
    this.launcher.addEventListener("click", () => (this.panel.hidden ? this.open() : this.close()));
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": t.log });
    this.after = h("div", { class: "after" });
    this.scroller = h("div", { class: "scroller", tabindex: 0, role: "group", "aria-label": t.log }, this.log, this.after);
    this.status = h("p", { class: "status", role: "status" });
    this.field = h("textarea", { id: "field", rows: 2, maxlength: MAX_TEXT, placeholder: t.example, autocomplete: "off" });
    const form = h(
      "form",
      { class: "composer" },
      h("label", { for: "field" }, t.label),
      h("div", { class: "row" }, this.field, h("button", { type: "submit", class: "main" }, t.send)),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.submit();
      }
    });
    const tools = h(
      "div",
      { class: "tools" },
      button(t.remove, () => void this.remove()),
      button(t.copy, () => void this.copy()),
      button(t.print, () => this.print()),
    );
    this.panel = h(
      "div",
      { id: "panel", class: "panel", role: "dialog", "aria-labelledby": "title", hidden: true },
      h("div", { class: "head" }, h("h2", { id: "title" }, t.title), button(t.close, () => this.close())),
      this.scroller,
      this.status,
      form,
      tools,
    );
    const region = h("section", { "aria-label": t.name, lang: this.language, class: "root" }, this.launcher, this.panel);
    const theme = element.getAttribute("tema");
    if (theme) region.dataset.theme = theme;
    region.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.panel.hidden) {
        event.stopPropagation();
        this.close();
      }
    });
    this.human = new Human({
      api: this.api,
      t,
      language: this.language,
      session: () => this.session,
      add: (who, ...content) => this.add(who, ...content),
      say: (text) => this.say(text),
      scrollTo: (node) => this.scrollTo(node),
      focus: () => this.field.focus(),
    });
    const root = element.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet(); // constructable: a host's style-src has no say in it
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    root.append(region);
    addEventListener("offline", () => this.say(t.gone));
    addEventListener("online", () => this.say(t.online));
  }

  // -- opening and closing ---------------------------------------------------------------------------------------

  private open(): void {
    this.panel.hidden = false;
    this.launcher.setAttribute("aria-expanded", "true");
    this.field.focus();
    // The log must stand there empty before its first words, or a screen reader does not say them.
    if (!this.log.childElementCount) setTimeout(() => this.welcome(), 150);
    void this.learnContact();
  }

  /** Whom to call if the line breaks: asked once, and anew after a failure. Fulfilled in either case. */
  private learnContact(): Promise<void> {
    this.asking ??= this.api.contact(this.municipality).then(
      (found) => void (this.contact = found),
      () => void (this.asking = null),
    );
    return this.asking;
  }

  private close(): void {
    this.panel.hidden = true;
    this.launcher.setAttribute("aria-expanded", "false");
    this.launcher.focus();
  }

  private welcome(): void {
    if (this.log.childElementCount) return;
    const t = this.t;
    const privacy = h("p", {}, link(`${this.api.home}privatliv`, t.privacy, this.api.home));
    const lines = t.intro.flatMap((line) => paragraphs(line));
    const node = this.add("bot", ...lines, privacy);
    if (this.session) {
      node.append(h("p", {}, t.back));
      this.human.resume();
    }
  }

  // -- the talk --------------------------------------------------------------------------------------------------

  private submit(): void {
    const text = this.field.value.trim();
    if (!text) return;
    const choice = /^\d$/.test(text) ? this.choices[Number(text) - 1] : undefined;
    void this.send(choice ? { text: choice.payload, shown: choice.title, typed: text } : { text, shown: text });
  }

  private async send(attempt: Attempt): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    const t = this.t;
    const typed = attempt.typed ?? attempt.text;
    const talk = this.talk;
    const leftover = this.choices;
    this.field.focus(); // before the button that was pressed goes away
    if (this.field.value.trim() === typed) this.field.value = ""; // what else stands there is not sent yet
    this.clearAfter();
    this.log.querySelector(".error")?.remove();
    const mine = this.add("me", ...attempt.shown.split("\n").map((line) => h("p", {}, line)));
    this.scrollTo(mine);
    this.say(t.writing);
    this.slowTimer = window.setTimeout(() => this.say(t.slow), SLOW_MS);
    try {
      const reply = await this.ask(attempt.text);
      if (talk !== this.talk) return void this.api.forget(reply.session).catch(() => undefined); // deleted meanwhile
      this.say("");
      this.session = reply.session;
      remember(reply.session);
      this.show(reply.messages);
    } catch (error) {
      if (talk !== this.talk) return;
      mine.remove();
      this.say("");
      if (!this.field.value) this.field.value = typed;
      this.fail(error instanceof Failure ? error : new Failure("failed"), attempt, leftover);
    } finally {
      clearTimeout(this.slowTimer);
      this.busy = false;
    }
  }

  /** Send; what the line loses is sent again by itself, and meanwhile it is said what to do in danger. */
  private async ask(text: string) {
    const talk = this.talk;
    for (const pause of AGAIN_MS) {
      try {
        return await this.askOnce(text);
      } catch (error) {
        if (!(error instanceof Failure && error.kind === "lost")) throw error;
        this.say(`${this.t.again} ${this.t.danger}`);
        await new Promise((wake) => setTimeout(wake, pause));
        if (talk !== this.talk) throw error; // deleted meanwhile: nothing of it is sent
      }
    }
    return this.askOnce(text);
  }

  /** Send; a conversation or municipality the door no longer knows is let go, and the message sent once more. */
  private async askOnce(text: string) {
    try {
      return await this.api.say(this.session, text, this.municipality);
    } catch (error) {
      const code = error instanceof Failure ? error.code : "";
      if (code === "unknown_session" && this.session) this.session = null;
      else if (code === "unknown_municipality" && this.municipality) this.municipality = null;
      else throw error;
      remember(this.session);
      return this.api.say(this.session, text, this.municipality);
    }
  }

  private show(messages: Message[]): void {
    let first: HTMLElement | undefined;
    for (const message of messages) {
      const answer = message.answer;
      const carded = wantsCard(answer, this.lastDepartment);
      const node = this.add("bot");
      const text = carded && answer ? lead(message.text, answer) : message.text;
      const [opening, ...rest] = paragraphs(text);
      const words = h("div", { lang: "da" }, opening, ...rest);
      node.append(words);
      if (carded && answer) {
        this.lastDepartment = answer.department!.name;
        const card = departmentCard(answer, this.language, this.t, this.api.home);
        const wrong: HTMLButtonElement = button(this.t.wrong, () => this.correct(answer, card, wrong));
        card.append(wrong);
        if (this.contact?.sms && answer.topic) {
          const send: HTMLButtonElement = button(this.t.sms, () => this.toPhone(answer, card, send));
          card.append(send);
        }
        if (opening && rest.length) opening.after(card); // whom to call stands in view, the details after it
        else node.append(card);
      } else if (answer && ["crisis", "handoff", "degraded"].includes(answer.kind) && answer.helplines.length) {
        node.append(helplineCard(answer, this.language, this.t));
      }
      first ??= node;
    }
    const last = messages[messages.length - 1];
    if (last) this.offer(last);
    if (first) this.scrollTo(first);
  }

  /** Quick replies, numbered where a number may be typed instead, and the question whether the answer helped. */
  private offer({ buttons, answer }: Message): void {
    const numbered = answer?.question !== "age"; // there a number is an age
    this.choices = numbered ? buttons : [];
    if (buttons.length) {
      const list = h("ul", { class: "choices", "aria-label": this.t.choicesLabel, lang: "da" });
      buttons.forEach((choice, i) => {
        const label = numbered ? `${i + 1}. ${choice.title}` : choice.title;
        const press = () => void this.send({ text: choice.payload, shown: choice.title });
        list.append(h("li", {}, button(label, press)));
      });
      this.after.append(list);
      this.say(this.t.choices(buttons.length), true); // who sees the buttons needs no count
    }
    if (answer?.callback && !this.human.waits) this.after.append(this.human.offer(answer));
    if (answer?.kind === "answer" && answer.topic) this.after.append(this.feedback(answer));
  }

  private fail(error: Failure, attempt: Attempt, leftover: Button[]): void {
    const t = this.t;
    const words = {
      offline: t.offline,
      limited: t.limited(error.seconds),
      refused: error.message || t.failed,
      failed: t.failed,
      lost: t.failed,
    }[error.kind];
    const call = () => {
      const phone = this.contact?.phone;
      return h("div", {}, ...paragraphs(phone ? `${t.call(phone.whose, phone.number)} ${phone.source}` : t.callNobody));
    };
    const line = call();
    const node = this.add("bot", ...paragraphs(words), ...paragraphs(t.danger), line);
    node.classList.add("error");
    if (!this.contact) void this.learnContact().then(() => line.replaceWith(call()));
    this.choices = leftover;
    this.after.append(button(t.retry, () => void this.send(attempt), "main"));
    this.scrollTo(node);
  }

  // -- feedback and corrections ----------------------------------------------------------------------------------

  private feedback(answer: Answer): HTMLElement {
    const t = this.t;
    const which = { ...about(answer), facet: answer.facets[0] ?? "where" };
    const done = (body: object) => {
      this.field.focus();
      box.remove();
      this.api.tell("feedback", { ...which, ...body }).then(() => this.say(t.thanks), () => this.say(t.sendFailed));
    };
    const no: HTMLButtonElement = button(t.no, () => {
      // The no counts at once; the reason is a gift.
      this.api.tell("feedback", { ...which, helped: false }).catch(() => undefined);
      const reason = h("input", { id: "why", type: "text", maxlength: MAX_REASON, autocomplete: "off" });
      const form = h("form", {}, h("label", { for: "why" }, t.why), reason, h("button", { type: "submit" }, t.send));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (reason.value.trim()) done({ reason: reason.value.trim() });
        else {
          this.field.focus();
          box.remove();
          this.say(t.thanks);
        }
      });
      box.append(form);
      reason.focus();
      yes.remove();
      no.remove();
    });
    const yes: HTMLButtonElement = button(t.yes, () => done({ helped: true }));
    const box = h("div", { class: "feedback", role: "group", "aria-label": t.helped }, h("span", {}, t.helped), yes, no);
    return box;
  }

  /** Open the form that says which fact of the card is wrong. */
  private correct(answer: Answer, card: HTMLElement, opener: HTMLButtonElement): void {
    const t = this.t;
    const options = Object.entries(t.fields).map(([value, label]) => h("option", { value }, label));
    const field = h("select", { id: "wrong-field" }, ...options);
    const text = h("textarea", { id: "wrong-text", rows: 2, maxlength: 500, required: true });
    const parts = [h("label", { for: "wrong-field" }, t.wrongField), field, h("label", { for: "wrong-text" }, t.wrongText), text];
    this.unfold(card, opener, t.wrongSend, parts, async () => {
      const { redacted } = await this.api.tell("corrections", {
        ...about(answer),
        department: answer.department?.id ?? null,
        field: field.value,
        message: text.value.trim(),
      });
      return redacted ? `${t.wrongThanks} ${t.redacted}` : t.wrongThanks;
    });
  }

  /** Open the form that sends the answer to a telephone. */
  private toPhone(answer: Answer, card: HTMLElement, opener: HTMLButtonElement): void {
    const t = this.t;
    const number = h("input", {
      id: "sms-number", type: "tel", autocomplete: "tel-national", maxlength: 20, required: true, "aria-describedby": "sms-note",
    });
    const note = h("p", { id: "sms-note", class: "small" }, t.smsNote);
    this.unfold(card, opener, t.smsSend, [h("label", { for: "sms-number" }, t.smsNumber), number, note], async () => {
      const body = { ...about(answer), session: this.session, phone: number.value, facets: answer.facets };
      await this.api.tell("sms", body);
      return t.smsSent;
    });
  }

  /** Put a small form under the card, in the place of its opener; what goes wrong is said in it, and nothing is lost. */
  private unfold(
    card: HTMLElement, opener: HTMLButtonElement, label: string, parts: HTMLElement[], send: () => Promise<string>,
  ): void {
    const t = this.t;
    const away = () => {
      opener.hidden = false;
      opener.focus();
      form.remove();
    };
    const problem = h("p", { role: "alert" });
    const row = h("div", { class: "row" }, h("button", { type: "submit", class: "main" }, label), button(t.cancel, away));
    const form = h("form", { class: "correction", "aria-label": opener.textContent }, ...parts, problem, row);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      problem.textContent = "";
      send().then(
        (done) => {
          away();
          this.say(done);
        },
        (error) => (problem.textContent = (error instanceof Failure && error.message) || t.sendFailed),
      );
    });
    // The log would read the whole form aloud as news; it is already where the person is.
    this.log.setAttribute("aria-live", "off");
    this.log.querySelector<HTMLElement>(".correction button[type=button]")?.click(); // one form at a time
    card.append(form);
    opener.hidden = true;
    form.querySelector<HTMLElement>("select, input")?.focus();
    setTimeout(() => this.log.setAttribute("aria-live", "polite"), 500);
  }

  // -- keeping and letting go ------------------------------------------------------------------------------------

  private async remove(): Promise<void> {
    const t = this.t;
    try {
      if (this.session) await this.api.forget(this.session);
    } catch (error) {
      // A session the door does not know is already gone.
      if (!(error instanceof Failure && error.kind === "refused")) return this.say(`${t.removeFailed} ${t.danger}`);
    }
    const called = this.human.waits;
    this.human.stop();
    this.talk += 1;
    this.session = null;
    remember(null);
    this.lastDepartment = null;
    this.field.value = "";
    this.clearAfter();
    this.log.replaceChildren();
    this.welcome();
    this.field.focus();
    this.say(called ? t.removedCall : t.removed);
  }

  private transcript(): string {
    const said = [...this.log.children].map((node) => {
      const who = node.querySelector(".who")?.textContent ?? "";
      const lines = [...node.querySelectorAll<HTMLElement>("p, h3, li, dt, dd")]
        .filter((line) => !line.querySelector("li") && !line.closest("form"))
        .map((line) => [...line.childNodes].map((part) => part.textContent).join(" ").trim());
      return `${who}${lines.join("\n")}`;
    });
    return said.join("\n\n");
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.transcript());
      this.say(this.t.copied);
    } catch {
      this.say(this.t.copyFailed);
    }
  }

  /** Print in a window of its own: the page around the widget would otherwise be printed with it. */
  private print(): void {
    const view = window.open("", "_blank") as (Window & typeof globalThis) | null;
    if (!view) return this.say(this.t.printFailed);
    const page = view.document;
    page.title = this.t.title;
    page.documentElement.lang = "da";
    const sheet = new view.CSSStyleSheet();
    sheet.replaceSync("body{font:12pt/1.5 sans-serif;max-width:40em;margin:2em auto;white-space:pre-line}");
    page.adoptedStyleSheets = [sheet];
    const heading = page.createElement("h1");
    heading.textContent = this.t.title;
    const body = page.createElement("main");
    body.textContent = this.transcript();
    page.body.append(heading, body);
    view.print();
  }

  // -- pieces ----------------------------------------------------------------------------------------------------

  private add(who: "me" | "bot" | "human", ...content: Node[]): HTMLElement {
    const said = { me: this.t.you, bot: this.t.bot, human: this.t.humanSays }[who];
    const prefix = h("span", { class: who === "human" ? "who" : "who hidden" }, said); // a human is seen to be one
    const node = h("div", { class: `message ${who}` }, prefix, ...content);
    this.log.append(node);
    return node;
  }

  private say(text: string, unseen = false): void {
    clearTimeout(this.slowTimer);
    this.status.classList.toggle("hidden", unseen);
    this.status.replaceChildren(
      ...text.split(/\b(112)\b/).map((part) => (part === "112" ? tel(part) : document.createTextNode(part))),
    );
  }

  private clearAfter(): void {
    this.choices = [];
    this.after.replaceChildren();
  }

  /** Bring the start of a message to the top of what is seen; scrollIntoView would push the heading out of sight. */
  private scrollTo(node: HTMLElement): void {
    // At low height the whole panel is the one area that scrolls.
    const area = getComputedStyle(this.scroller).overflowY === "visible" ? this.panel : this.scroller;
    area.scrollTop += node.getBoundingClientRect().top - area.getBoundingClientRect().top - 8;
  }
}

/** What an answer is about, as the door wants to hear it. */
function about(answer: Answer): { topic: string | null; municipality: string | null } {
  return { topic: answer.topic, municipality: answer.municipality?.code ?? null };
}

/** The session id is all that is kept, for as long as the tab lives; a browser that forbids it costs only that. */
function remembered(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function remember(session: string | null): void {
  try {
    if (session) sessionStorage.setItem(KEY, session);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Nothing to do: the conversation lasts as long as the page.
  }
}
