/**
 * The one error type for people to read. Callers branch on `code`, never on text; the original error is the `cause`,
 * which is logged, not printed.
 */
export class AppError extends Error {
  readonly code: string;
  /** What the person can do about it, one sentence. */
  readonly help: string | undefined;
  /** Facts for the log; never addresses, tokens or keys (I9). */
  readonly context: Record<string, unknown>;

  constructor(
    code: string,
    message: string,
    options: { help?: string; cause?: unknown; context?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.help = options.help;
    this.context = options.context ?? {};
  }
}

/**
 * The single line that a person sees for any failure: message and help of an AppError, the message of any other error.
 */
export function explain(error: unknown): string {
  if (error instanceof AppError) return error.help ? `${error.message} ${error.help}` : error.message;
  return error instanceof Error ? error.message : String(error);
}

/** One field and what is wrong with it: "tools.1.entryPrice", "missing". */
export interface Fault {
  field: string;
  reason: string;
}
