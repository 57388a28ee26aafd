/** The part of MJML 5 that we use; the package ships no types. */
declare module 'mjml' {
  interface MjmlOptions {
    fonts?: Record<string, string>;
    validationLevel?: 'strict' | 'soft' | 'skip';
    minify?: boolean;
    minifyOptions?: Record<string, unknown>;
    keepComments?: boolean;
    juiceOptions?: Record<string, unknown>;
  }
  export default function mjml2html(
    source: string,
    options?: MjmlOptions,
  ): Promise<{ html: string; errors: { formattedMessage: string }[] }>;
}
