/**
 * The only file that names the package of mail components, so that moving to another one is one line.
 * Its `<Link>` fails contrast and has no underline, and its `<Text>` sizes are not ours: `parts/elements.tsx`
 * has our own. Never add its `<Markdown>`: it lets raw HTML through.
 */
export { Body, Container, Head, Html, Preview } from 'react-email';
