// A human instead of the bot: what can be had now, the form that asks for a call, how it stands, and a chat taken over.
import { type Api, Failure } from "./api";
import { helplineCard } from "./card";
import { button, h, paragraphs } from "./dom";
import type { Language, Strings } from "./strings";
import type { Answer, Callback, CallbackState, PromisedCall, Standing } from "./types";

const CHAT_MS = 3_000;
const CALL_MS = 30_000;
const MAX_SUMMARY = 500;

/** What this needs of the chat around it. */
export interface Talk {
  api: Api;
  t: Strings;
  language: Language;
  session(): string | null;
  add(who: "me" | "bot" | "human", ...content: Node[]): HTMLElement;
  say(text: string): void;
  scrollTo(node: HTMLElement): void;
  focus(): void;
}

export class Human {
  private timer = 0;
  private seen = 0; // the last message of a human that was shown
  private said = ""; // how it stood when it was last said
  private standing: Standing | null = null;
  private press: HTMLElement | null = null; // takes the request back
  private asked: Answer | null = null; // what was offered, should nobody come

  constructor(private readonly talk: Talk) {}

  /** Whether something was asked for that is not over. */
  get waits(): boolean {
    return !!this.standing && ["waiting", "claimed"].includes(this.standing.state);
  }

  /** The ways to a human that are open now, as buttons; pressing one opens the form. */
  offer(answer: Answer): HTMLElement {
    const { t } = this.talk;
    const offered = answer.callback!;
    const box = h("div", { class: "choices", role: "group", "aria-label": t.human });
    if (offered.chat) box.append(button(t.chatNow, () => this.open(box, answer, offered, "chat")));
    if (offered.calls.length) box.append(button(t.callMe, () => this.open(box, answer, offered, "call"), "main"));
    return box;
  }

  /** Ask how it stands, also what was written while the page was away. */
  resume(): void {
    void this.look(true);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.standing = null;
    this.seen = 0;
    this.said = "";
    this.asked = null;
  }

  private open(box: HTMLElement, answer: Answer, offered: Callback, kind: "call" | "chat"): void {
    const { t, api } = this.talk;
    const summary = h("textarea", { id: "summary", rows: 4, maxlength: MAX_SUMMARY });
    summary.value = offered.summary.join("\n");
    const number = h("input", { id: "number", type: "tel", autocomplete: "tel", required: true, maxlength: 20 });
    const wish = h("select", { id: "wish" });
    let shown: PromisedCall[] = [];
    const show = (calls: PromisedCall[]) => {
      shown = calls;
      const named = (call: PromisedCall) => call.text[0]!.toUpperCase() + call.text.slice(1);
      wish.replaceChildren(...calls.map((call, at) => h("option", { value: `${at}` }, named(call))));
    };
    show(offered.calls);
    const wrong = h("p", { class: "shut", role: "alert" });
    const away = () => {
      form.replaceWith(box);
      box.querySelector("button")?.focus();
    };
    const form = h(
      "form",
      { class: "human", "aria-label": kind === "call" ? t.callMe : t.chatNow },
      h("label", { for: "summary" }, t.summary),
      summary,
      ...(kind === "call"
        ? [h("label", { for: "number" }, t.number), number, h("label", { for: "wish" }, t.wish), wish]
        : []),
      h("p", { class: "small" }, kind === "call" ? t.callKept : t.chatKept),
      wrong,
      h(
        "div",
        { class: "row" },
        h("button", { type: "submit", class: "main" }, kind === "call" ? t.callAsk : t.chatAsk),
        button(t.cancel, away),
      ),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      wrong.textContent = "";
      try {
        const about = { topic: answer.topic, municipality: answer.municipality?.code ?? null };
        const chosen = shown[wish.selectedIndex]; // what was shown is what is promised, also after midnight
        const when = kind === "call" ? { wish: chosen?.wish, begins: chosen?.begins } : {};
        const asked = { kind, summary: summary.value, number: number.value, ...when };
        const state = await api.human("POST", this.talk.session(), { ...about, ...asked });
        this.talk.focus();
        form.remove();
        this.said = "";
        this.asked = answer;
        this.show(state, false);
        this.talk.say(state.redacted ? t.redacted : "");
      } catch (error) {
        if (error instanceof Failure && error.calls.length) show(error.calls);
        // What was typed stays; the message names what is wrong, or that the line is gone.
        wrong.textContent = (error instanceof Failure && error.message) || t.sendFailed;
      }
    });
    box.replaceWith(form);
    this.talk.scrollTo(form);
    (kind === "call" ? number : summary).focus();
  }

  private async look(anew = false): Promise<void> {
    const session = this.talk.session();
    if (!session) return;
    try {
      const state = await this.talk.api.human("GET", session, null, this.seen);
      if (session === this.talk.session()) this.show(state, anew);
    } catch {
      this.again(); // a line that breaks comes back
    }
  }

  private show(state: CallbackState, anew: boolean): void {
    const { talk } = this;
    const [waited, now] = [this.waits ? this.standing : null, (this.standing = state.callback)];
    if (!now) return this.gone(waited);
    let last: HTMLElement | undefined;
    if (anew && !this.waits && !now.helplines.length) return; // over before the page was opened
    const tell = () => {
      if (now.text === this.said) return;
      this.said = now.text;
      last = talk.add("bot", ...paragraphs(now.text));
      if (now.helplines.length) last.append(helplineCard(now, talk.language, talk.t));
      this.press?.remove();
      if (this.waits) last.append((this.press = this.undo(now)));
      const calls = this.asked?.callback?.calls ?? [];
      // Nobody came to the chat, or nobody picked up: the way on is a call, without asking for it anew.
      if ((now.late ? now.kind === "chat" : now.helplines.length && !this.waits) && calls.length) {
        const answer = this.asked!;
        last.append(this.offer({ ...answer, callback: { ...answer.callback!, chat: false } }));
      }
    };
    if (now.state === "claimed") tell();
    for (const message of state.messages) {
      this.seen = message.id;
      if (message.author === "staff") last = talk.add("human", ...paragraphs(message.text));
      else if (anew) talk.add("me", ...paragraphs(message.text));
    }
    tell();
    if (last) talk.scrollTo(last);
    this.again();
  }

  /** What was asked for is not there any more: deleted by the clock, or on the telephone. */
  private gone(waited: Standing | null): void {
    if (!waited) return;
    this.press?.remove();
    this.said = "";
    this.talk.scrollTo(this.talk.add("bot", ...paragraphs(waited.kind === "call" ? this.talk.t.callGone : this.talk.t.chatGone)));
  }

  private undo(standing: Standing): HTMLElement {
    const { t, api } = this.talk;
    const label = standing.kind === "call" ? t.callUndo : standing.state === "claimed" ? t.chatEnd : t.chatUndo;
    const press: HTMLButtonElement = button(label, async () => {
      try {
        const state = await api.human("DELETE", this.talk.session());
        this.talk.focus();
        press.remove();
        this.show(state, false);
      } catch {
        this.talk.say(t.sendFailed);
      }
    });
    return press;
  }

  private again(): void {
    clearTimeout(this.timer);
    if (!this.waits) return;
    this.timer = window.setTimeout(() => void this.look(), this.standing!.kind === "chat" ? CHAT_MS : CALL_MS);
  }
}
