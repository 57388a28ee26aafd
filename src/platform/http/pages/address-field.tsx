/** An invalid address that was typed, and its error. */
export interface Mistyped {
  typed: string;
  /** "is not of the form name@example.org" */
  reason: string;
}

/** The attributes of every address field. */
export const ADDRESS_INPUT = {
  id: 'email',
  name: 'email',
  type: 'email',
  autoComplete: 'email',
  inputMode: 'email',
  autoCapitalize: 'none',
  spellCheck: false,
  required: true,
  maxLength: 254,
} as const;

/** An address field, with its error where screen readers announce it. */
export const TypedAddress = ({ label, mistyped }: { label: string; mistyped?: Mistyped | undefined }) => (
  <div className="field">
    <label htmlFor={ADDRESS_INPUT.id}>{label}</label>
    <input
      {...ADDRESS_INPUT}
      defaultValue={mistyped?.typed.slice(0, ADDRESS_INPUT.maxLength)}
      aria-invalid={mistyped === undefined ? undefined : true}
      aria-describedby={mistyped === undefined ? undefined : 'email-problem'}
      // biome-ignore lint/a11y/noAutofocus: the page came back because of this one field
      autoFocus={mistyped !== undefined}
    />
    {mistyped !== undefined && (
      <p className="problem" id="email-problem" role="alert">
        The address {mistyped.reason}.
      </p>
    )}
  </div>
);
