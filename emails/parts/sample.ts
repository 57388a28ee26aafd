/** The newsletter of the previews. */
export const sampleNewsletter = {
  name: 'Weekly AI Tool Verdicts',
  url: 'https://verdicts.example',
  postalAddress: 'Weekly Verdict, 1 Example Street, 12345 Sampleton',
};

/** The same links as at the end of an issue. */
export const sampleLinks = {
  preferences: `${sampleNewsletter.url}/preferences/sample`,
  unsubscribe: `${sampleNewsletter.url}/unsubscribe/sample`,
};
