import { z } from 'zod';
import { comparisonSchema } from '../comparisons/model.ts';
import type { Site } from '../platform/site.ts';
import { signUpSchema } from '../subscribers/sign-up/subscribe-routes.ts';

/**
 * The API of this server as OpenAPI 3.1: the routes that other people's programs use. Pages for people and the desk
 * are not in it. `/docs` is rendered from the same object, so that the two always agree.
 */

interface Content {
  schema?: object;
}

export interface Operation {
  tags: [string];
  summary: string;
  description?: string;
  security?: Record<string, string[]>[];
  parameters?: {
    name: string;
    in: 'path' | 'query' | 'header';
    required: boolean;
    description: string;
    schema: object;
  }[];
  requestBody?: { required: boolean; content: Record<string, Content> };
  responses: Record<string, { description: string; content?: Record<string, Content> }>;
}

export interface ApiDocument {
  openapi: '3.1.1';
  info: { title: string; version: string; description: string };
  servers: { url: string }[];
  paths: Record<string, { get?: Operation; post?: Operation; delete?: Operation }>;
  components: object;
}

/** Which routes exist depends on the settings. */
export interface ApiParts {
  takesPushes: boolean;
  takesEvents: boolean;
  showsMetrics: boolean;
}

const text = { type: 'string' };
const json = (schema: object): Record<string, Content> => ({ 'application/json': { schema } });
const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});
const object = (properties: Record<string, object>, required = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
});
const nullable = (type: string) => ({ type: [type, 'null'] });

const TOKEN = {
  name: 'token',
  in: 'path' as const,
  required: true,
  description: 'From the mail; it names the reader and opens nothing else.',
  schema: text,
};
const SLUG = {
  name: 'slug',
  in: 'path' as const,
  required: true,
  description: 'Of the issue, as in its address.',
  schema: text,
};

export function apiDocument(site: Site, parts: ApiParts): ApiDocument {
  return {
    openapi: '3.1.1',
    info: {
      title: site.newsletterName,
      version: '1',
      description:
        'What programs may ask of this server. GET and HEAD change nothing. Errors are problem+json (RFC 9457).',
    },
    servers: [{ url: site.publicUrl }],
    paths: {
      ...SIGNING_UP,
      ...LEAVING,
      ...READING,
      ...(parts.takesPushes ? PUSHING : {}),
      ...(parts.takesEvents ? EVENTS : {}),
      ...OPERATING,
      ...(parts.showsMetrics ? METRICS : {}),
    },
    components: {
      schemas: {
        Problem: PROBLEM,
        SignUp: SIGN_UP,
        ...(parts.takesPushes ? { Comparison: z.toJSONSchema(comparisonSchema, { io: 'input' }) } : {}),
      },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'API_TOKEN of this server.' },
        ...(parts.showsMetrics
          ? { metricsToken: { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN of this server.' } }
          : {}),
      },
    },
  };
}

const PROBLEM = object(
  {
    type: { const: 'about:blank' },
    title: text,
    status: { type: 'integer' },
    detail: text,
    instance: { ...text, description: 'urn:uuid: of the request, as in the log.' },
    errors: {
      type: 'array',
      items: object({ field: text, code: text, message: text, reason: text }, ['field']),
    },
  },
  ['type', 'title', 'status', 'detail', 'instance'],
);

/** The form itself says that an address is missing, so its schema does not require one. */
const SIGN_UP = { ...z.toJSONSchema(signUpSchema, { io: 'input' }), required: ['email'] };

const SIGNING_UP: ApiDocument['paths'] = {
  '/subscribe': {
    get: {
      tags: ['Signing up'],
      summary: 'What a form needs',
      description: 'With Accept: application/json; browsers get the form.',
      responses: {
        200: {
          description: 'To be sent along, and to be shown beside the button.',
          content: json(
            object({
              stamp: text,
              consent: text,
              privacy_url: nullable('string'),
              topics: { type: 'array', items: text },
              turnstile_site_key: nullable('string'),
            }),
          ),
        },
      },
    },
    post: {
      tags: ['Signing up'],
      summary: 'Ask for the newsletter',
      description:
        'The answer is the same whatever the state of the address. Nobody is on the list before they confirm by mail. Twice does no harm.',
      requestBody: {
        required: true,
        content: Object.fromEntries(
          ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'].map((type) => [
            type,
            { schema: { $ref: '#/components/schemas/SignUp' } },
          ]),
        ),
      },
      responses: {
        202: {
          description: 'Taken; with a suggestion where the address looks like a slip.',
          content: json(object({ status: { const: 'check_your_inbox' }, suggestion: text }, ['status'])),
        },
        303: { description: 'For browsers: to /subscribe/check-inbox.' },
        400: problem('The body cannot be read.'),
        403: problem('From a page of a site that may not carry the form.'),
        413: problem('More than 8 kB.'),
        415: problem('Another type of body.'),
        422: problem('What is wrong is named under errors.'),
        429: problem('Too often from one network; Retry-After says when to come again.'),
        503: problem('Not now; nothing was taken.'),
      },
    },
  },
};

const LEAVING: ApiDocument['paths'] = {
  '/unsubscribe/{token}': {
    post: {
      tags: ['Leaving'],
      summary: 'Leave, in one press',
      description: 'For mail programs (RFC 8058): no cookie, no redirect. Twice is once.',
      parameters: [TOKEN],
      requestBody: {
        required: false,
        content: Object.fromEntries(
          ['application/x-www-form-urlencoded', 'multipart/form-data'].map((type) => [
            type,
            { schema: object({ 'List-Unsubscribe': { const: 'One-Click' } }) },
          ]),
        ),
      },
      responses: {
        200: { description: 'Off the list, from this moment on.' },
        404: problem(
          'No link of ours; for one that another installation signed, the answer says so in plain text.',
        ),
        410: {
          description: 'A link of ours, but it is not known whose it is: nobody was taken off the list.',
          content: { 'text/plain': { schema: text } },
        },
        503: problem('Not now; come again.'),
      },
    },
  },
};

const READING: ApiDocument['paths'] = {
  '/issues.json': {
    get: {
      tags: ['Reading'],
      summary: 'The issues, as JSON Feed 1.1',
      responses: { 200: { description: 'Newest first.', content: { 'application/feed+json': {} } } },
    },
  },
  '/issues.atom': {
    get: {
      tags: ['Reading'],
      summary: 'The issues, as Atom',
      responses: { 200: { description: 'Newest first.', content: { 'application/atom+xml': {} } } },
    },
  },
  '/issues/{slug}.txt': {
    get: {
      tags: ['Reading'],
      summary: 'One issue, as plain text',
      parameters: [SLUG],
      responses: {
        200: { description: 'As it was mailed, without personal links.', content: { 'text/plain': {} } },
        404: problem('There is no such issue.'),
      },
    },
  },
};

const PUSHING: ApiDocument['paths'] = {
  '/api/comparisons': {
    post: {
      tags: ['Bringing comparisons'],
      summary: 'Push a comparison',
      description: 'As JSON, or as its page, up to 1 MB. Sending it again changes nothing.',
      security: [{ token: [] }],
      requestBody: {
        required: true,
        content: {
          ...json({ $ref: '#/components/schemas/Comparison' }),
          'text/html': { schema: text },
          'text/plain': { schema: text },
        },
      },
      responses: {
        200: {
          description:
            'Known; what is new in it is named under changed, and hidden says that it was taken down.',
        },
        201: { description: 'New; Location is its page.' },
        401: problem('Without the token.'),
        409: problem('Its slug belongs to another pair of tools.'),
        413: problem('More than 1 MB.'),
        415: problem('Neither JSON nor a page.'),
        422: problem('Every field that is missing or wrong is named under errors.'),
      },
    },
  },
  '/api/comparisons/{slug}': {
    delete: {
      tags: ['Bringing comparisons'],
      summary: 'Take a comparison down',
      description:
        'Its page answers 410, lists and feeds drop it, and no issue carries it any more. Twice is once. Pushing it again changes what it says and does not show it again: a person does that, at the desk or by command.',
      security: [{ token: [] }],
      parameters: [
        { ...SLUG, description: 'Of the comparison, as in its address.' },
        {
          name: 'reason',
          in: 'query',
          required: false,
          description: 'Kept for editors, never shown to readers; at most 300 characters.',
          schema: text,
        },
      ],
      responses: {
        200: { description: 'It is down; what became of issues that carried it is named under issues.' },
        401: problem('Without the token.'),
        404: problem('There is no such comparison.'),
        405: problem('It is taken down by DELETE, and by nothing else.'),
        422: problem('The reason is too long.'),
      },
    },
  },
};

const EVENTS: ApiDocument['paths'] = {
  '/webhooks/resend': {
    post: {
      tags: ['Operating'],
      summary: 'What the mail provider tells',
      description: 'Signed as Svix does, over the bytes of the body. Stored at once, applied later.',
      requestBody: { required: true, content: json({ type: 'object' }) },
      responses: {
        200: { description: 'Stored; or known already.' },
        401: problem('Signature or time is wrong.'),
        503: problem('Not now; come again.'),
      },
    },
  },
};

const OPERATING: ApiDocument['paths'] = {
  '/healthz': {
    get: {
      tags: ['Operating'],
      summary: 'Whether the process lives; with `deep`, whether the installation does its work',
      parameters: [
        {
          ...{ name: 'deep', in: 'query', required: false, schema: { type: 'string' } },
          description:
            'Present, with any value: the late slot, the recurring duties, the queue and the provider count too.',
        },
      ],
      responses: {
        200: { description: 'It does.', content: json(object({ status: { const: 'ok' } })) },
        503: {
          description: 'With `deep`: something needs a person.',
          content: json(object({ status: { const: 'failing' } })),
        },
      },
    },
  },
  '/readyz': {
    get: {
      tags: ['Operating'],
      summary: 'Whether database and queue answer, too',
      responses: {
        200: { description: 'They do.', content: json(object({ status: { const: 'ok' } })) },
        503: problem('One of them does not.'),
      },
    },
  },
};

const METRICS: ApiDocument['paths'] = {
  '/metrics': {
    get: {
      tags: ['Operating'],
      summary: 'Figures for Prometheus',
      security: [{ metricsToken: [] }],
      responses: {
        200: { description: 'The text format of Prometheus.', content: { 'text/plain': {} } },
        401: problem('Without the token.'),
      },
    },
  },
};
