import { Page, render } from '../platform/http/pages/layout.tsx';
import type { Site } from '../platform/site.ts';
import type { ApiDocument, Operation } from './openapi.ts';

/** The API documentation for developers. */
export function apiPage(site: Site, { info, paths }: ApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      call: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  );
  const tags = [...new Set(operations.map(({ operation }) => operation.tags[0]))];
  return render(
    <Page site={site} title="For programs" wide>
      <div className="stack">
        <h1>For programs</h1>
        <p className="lede">{info.description}</p>
        <p>
          The same as a file for tools: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).
        </p>
      </div>
      {tags.map((tag) => (
        <section key={tag}>
          <h2>{tag}</h2>
          {operations
            .filter(({ operation }) => operation.tags[0] === tag)
            .map(({ call, operation }) => (
              <Described key={call} call={call} operation={operation} />
            ))}
        </section>
      ))}
    </Page>,
  );
}

const Described = ({ call, operation }: { call: string; operation: Operation }) => (
  <div className="stack after">
    <h3>
      <code>{call}</code>
    </h3>
    <p>
      {operation.summary}.{operation.description && ` ${operation.description}`}
    </p>
    {operation.requestBody && <p>It takes {listed(Object.keys(operation.requestBody.content))}.</p>}
    <ul>
      {Object.entries(operation.responses).map(([status, { description }]) => (
        <li key={status}>
          <code>{status}</code> {description}
        </li>
      ))}
    </ul>
  </div>
);

function listed(types: string[]): string {
  return types.length < 2 ? types.join('') : `${types.slice(0, -1).join(', ')} or ${types.at(-1)}`;
}
