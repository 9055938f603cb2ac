// What the widget reads of the chat API, version 1 (docs/api.md). Fields it does not use are left out.

export interface Button {
  title: string;
  payload: string;
}

export interface Hours {
  days: string;
  opens: string;
  closes: string;
}

export interface Phone {
  number: string;
  whose: string;
  stale: boolean;
  as_of: string;
  other: boolean;
  open_now: boolean | null;
  closes: string | null;
  next_opening: string | null;
  hours: Hours[];
}

export interface Department {
  id: string | null;
  name: string;
  type_name: string;
  phones: Phone[];
  email: string | null;
  address: string | null;
  secure_mail: string | null;
  opening_hours: Hours[];
  unknown_day: string | null;
  generic: boolean;
}

export interface Law {
  law: string;
  section: string;
  replaces: string | null;
  replaced_until: string | null;
  url: string | null;
}

export interface Line {
  name: string;
  phone: string;
  open_now: boolean | null;
  closes: string | null;
  next_opening: string | null;
}

export interface Source {
  url: string | null;
  title: string | null;
  confidence: string;
  stale: boolean;
  date_text: string;
}

export interface Answer {
  kind: string;
  as_of: string;
  topic: string | null;
  topic_title: string | null;
  facets: string[];
  municipality: { code: string; name: string } | null;
  department: Department | null;
  legal_basis: Law[];
  how_to_apply: { steps: string[]; url: string | null } | null;
  helplines: Line[];
  question: string | null;
  sources: Source[];
  callback: Callback | null;
}

/** An interval in which the helpline can call. */
export interface PromisedCall {
  wish: string;
  begins: string;
  text: string;
}

/** What the helpline offers now beside an answer. */
export interface Callback {
  summary: string[];
  calls: PromisedCall[];
  chat: boolean;
}

/** How a request for a human stands. */
export interface Standing {
  kind: string;
  state: string;
  text: string;
  late: boolean;
  as_of: string;
  helplines: Line[];
}

export interface CallbackState {
  callback: Standing | null;
  messages: { id: number; author: string; text: string }[];
  redacted?: boolean;
}

export interface Message {
  text: string;
  buttons: Button[];
  answer: Answer | null;
}

export interface Reply {
  session: string;
  messages: Message[];
}

/** Whom to call when the widget itself fails; fetched when the panel opens, so that it is known when the line is gone. */
export interface Contact {
  municipality: { code: string; name: string } | null;
  phone: { number: string; whose: string; source: string } | null;
  sms: boolean;
}
