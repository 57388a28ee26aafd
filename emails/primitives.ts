/**
 * The only file that imports the package of mail components, so that replacing it changes one line. Its `<Link>`
 * fails contrast and has no underline, and its `<Text>` sizes are not ours: `parts/elements.tsx` has our own. Never
 * add its `<Markdown>`: it passes raw HTML through.
 */
export { Body, Container, Head, Html } from 'react-email';
