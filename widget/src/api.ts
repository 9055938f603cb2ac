// The line to the door. Credentials are never sent, and nothing is stored here.
import type { CallbackState, Contact, PromisedCall, Reply } from "./types";

const PATIENCE_MS = 20_000; // the door itself answers within about four seconds, whatever breaks behind it

/** Why a request failed, in the words the widget tells them apart by. */
export class Failure extends Error {
  constructor(
    readonly kind: "offline" | "lost" | "failed" | "limited" | "refused", // lost: nothing that can be read came back
    readonly code = "",
    readonly seconds = 30,
    message = "",
    readonly calls: PromisedCall[] = [], // what can be promised instead
  ) {
    super(message);
  }
}

export class Api {
  constructor(readonly home: string) {}

  say(session: string | null, text: string, municipality: string | null): Promise<Reply> {
    return this.request("POST", "messages", { session, text, municipality }) as Promise<Reply>;
  }

  forget(session: string): Promise<unknown> {
    return this.request("DELETE", `sessions/${encodeURIComponent(session)}`);
  }

  contact(municipality: string | null): Promise<Contact> {
    const query = municipality ? `?municipality=${encodeURIComponent(municipality)}` : "";
    return this.request("GET", `contact${query}`) as Promise<Contact>;
  }

  tell(what: "feedback" | "corrections" | "sms", body: object): Promise<{ redacted: boolean }> {
    return this.request("POST", what, body) as Promise<{ redacted: boolean }>;
  }

  /** Ask for a human (POST), how that stands (GET, and what was written after a message), take it back (DELETE). */
  human(method: string, session: string | null, body?: object | null, after = 0): Promise<CallbackState> {
    const path = body ? "callbacks" : `callbacks/${encodeURIComponent(session ?? "")}${after ? `?after=${after}` : ""}`;
    return this.request(method, path, body ? { session, ...body } : undefined) as Promise<CallbackState>;
  }

  private async request(method: string, path: string, body?: object): Promise<unknown> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
    let response: Response;
    let data: { error?: { code?: string; message?: string; calls?: PromisedCall[] } } | null = null;
    try {
      response = await fetch(`${this.home}api/v1/${path}`, {
        method,
        credentials: "omit",
        referrerPolicy: "no-referrer",
        headers: body ? { "Content-Type": "application/json" } : {},
        body: body && JSON.stringify(body),
        signal: abort.signal,
      });
      data = await response.json();
    } catch {
      const silent = abort.signal.aborted ? "failed" : "lost";
      throw new Failure(navigator.onLine === false ? "offline" : silent);
    } finally {
      clearTimeout(timer);
    }
    if (response.ok && data) return data;
    const error = data?.error ?? {};
    if (response.status === 429) {
      throw new Failure("limited", error.code, Number(response.headers.get("Retry-After")) || 30, error.message);
    }
    const refused = response.status >= 400 && response.status < 500;
    throw new Failure(refused ? "refused" : "failed", error.code, 0, error.message, error.calls);
  }
}
