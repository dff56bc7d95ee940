/** The widget of fineprint, `/widget/v1.js`: questions about a site's privacy policy, answered with verified quotes. */

export interface FineprintAnswer {
  /** What became of the question. `not_stated` means that the policy is silent, which is never a "no". */
  status: "answered" | "not_stated" | "unknown_company" | "needs_company" | "out_of_scope";
  /** For questions that can be answered with yes or no; null for all others. */
  verdict: "yes" | "no" | "conditional" | null;
  /** How many quotes prove the answer. */
  citations: number;
  /** The policies that were read, e.g. `["perriconemd.com@2011-03-06"]`. */
  policies: string[];
}

export interface FineprintError {
  /** The HTTP status; 0 where there was none. */
  status: number;
  /** For programs, e.g. `rate_limited`; `unreachable` where the service or this site's permission is missing. */
  code: string;
}

/** What each event brings along. No event says what was asked. */
export interface FineprintEvents {
  ready: Record<string, never>;
  open: Record<string, never>;
  close: Record<string, never>;
  ask: Record<string, never>;
  answer: FineprintAnswer;
  error: FineprintError;
}

export interface FineprintWidget {
  /** The version of the service that served the script. */
  readonly version: string;
  /** Opens the panel and moves the focus into it. */
  open(): void;
  /** Closes the panel; the focus goes back to where it was. */
  close(): void;
  /** Opens the panel and asks; settles when the answer, or why there is none, is shown. */
  ask(question: string): Promise<void>;
  on<Name extends keyof FineprintEvents>(event: Name, listener: (detail: FineprintEvents[Name]) => void): void;
  off<Name extends keyof FineprintEvents>(event: Name, listener: (detail: FineprintEvents[Name]) => void): void;
}

declare global {
  interface Window {
    /** There once the script has run; until then wait for the event `fineprint:ready` on `document`. */
    Fineprint?: FineprintWidget;
  }
  interface DocumentEventMap {
    "fineprint:ready": CustomEvent<FineprintEvents["ready"]>;
    "fineprint:open": CustomEvent<FineprintEvents["open"]>;
    "fineprint:close": CustomEvent<FineprintEvents["close"]>;
    "fineprint:ask": CustomEvent<FineprintEvents["ask"]>;
    "fineprint:answer": CustomEvent<FineprintEvents["answer"]>;
    "fineprint:error": CustomEvent<FineprintEvents["error"]>;
  }
}
