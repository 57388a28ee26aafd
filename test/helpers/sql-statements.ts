import path from 'node:path';
import ts from 'typescript';
import { ROOT } from './processes.ts';

/**
 * Reads the SQL of the program from its TypeScript. The compiler checks Kysely's builders; the text of a `sql` template
 * is only a string to it, and its row type an unchecked declaration. Here every template becomes the text that would
 * reach the database, so that a test can prepare it there and compare.
 *
 * A value becomes a parameter, a fragment its own text. When a fragment depends on a condition, each of its forms is a
 * statement. A fragment that is passed to a function is looked up at the calls of that function.
 */

/**
 * The JavaScript kind that pg returns for a column, or that a row type declares. `any` is JSON, or an unspecific type.
 */
export type Kind = 'string' | 'number' | 'boolean' | 'Date' | 'Buffer' | 'null' | 'any' | `${string}[]`;

/** The text of one `sql` or `prepared` template in one of its forms. */
export interface Statement {
  /** src/feature/some-store.ts:12 */
  place: string;
  /** The enclosing function. */
  inside: string;
  /** With `$1`, `$2` … for values. */
  text: string;
  /** Column → the kinds that the row type allows, sorted; null when it declares none. */
  columns: Record<string, Kind[]> | null;
}

export interface Extracted {
  statements: Statement[];
  /** Templates whose text could not be found, `place (function): why`. */
  unresolved: string[];
}

/** Stands for a value in a text. */
type Forms = string[];

const VALUE = '\u0000';
const MOST_FORMS = 64;

/**
 * Stands for the name of a role or a database. GRANT statements are parsed, but names are not looked up, when they are
 * prepared; any other statement would fail for a relation of this name.
 */
const KNOWN_AT_RUN_TIME = 'known_at_run_time';

class Unresolved extends Error {}

/** Arguments of the function that is being inlined. */
type Scope = ReadonlyMap<ts.Symbol, { expression: ts.Expression; scope: Scope }>;
const NO_SCOPE: Scope = new Map();

const JOINS = /^(selectFrom|insertInto|updateTable|deleteFrom|(inner|left|right|full|cross)Join)$/;

/** @param isIncluded by its path from the root: src/feature/some-store.ts */
export function extractStatements(isIncluded: (file: string) => boolean): Extracted {
  const program = readProgram();
  const checker = program.getTypeChecker();
  const sources = program
    .getSourceFiles()
    .filter((source) => !source.isDeclarationFile && isIncluded(path.relative(ROOT, source.fileName)));
  const nodes = sources.flatMap((source) => everyNode(source));
  const callsOf = new Map<ts.Symbol | undefined, ts.CallExpression[]>();
  for (const call of nodes.filter(ts.isCallExpression)) {
    if (!ts.isIdentifier(call.expression)) continue;
    const called = symbolAt(call.expression);
    callsOf.set(called, [...(callsOf.get(called) ?? []), call]);
  }
  /** Templates whose text is part of a statement. */
  const used = new Set<ts.Node>();
  const unresolved: string[] = [];
  const statements: Statement[] = [];

  function symbolAt(node: ts.Node): ts.Symbol | undefined {
    const symbol = checker.getSymbolAtLocation(node);
    return symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias
      ? checker.getAliasedSymbol(symbol)
      : symbol;
  }

  const isFragment = (node: ts.Expression) => {
    const type = checker.getTypeAtLocation(node);
    return (type.isUnion() ? type.types : [type]).some((each) => each.getProperty('toOperationNode'));
  };

  function formsOf(given: ts.Expression, scope: Scope): Forms {
    const node = unwrapped(given);
    if (isSqlTemplate(node)) return formsOfTemplate(node, scope);
    if (ts.isConditionalExpression(node))
      return [...formsOf(node.whenTrue, scope), ...formsOf(node.whenFalse, scope)];
    if (ts.isCallExpression(node)) return formsOfCall(node, scope);
    if (ts.isIdentifier(node)) return formsOfName(node, scope);
    throw new Unresolved(`\`${node.getText()}\` is neither a template, nor the name of one, nor a call`);
  }

  function formsOfTemplate(node: ts.TaggedTemplateExpression, scope: Scope): Forms {
    used.add(node);
    if (ts.isNoSubstitutionTemplateLiteral(node.template)) return [node.template.text];
    return node.template.templateSpans.reduce<Forms>(
      (before, { expression, literal }) => {
        const forms = isFragment(expression) ? formsOf(expression, scope) : [VALUE];
        const all = before.flatMap((text) => forms.map((form) => text + form + literal.text));
        if (all.length > MOST_FORMS) throw new Unresolved(`it has more than ${MOST_FORMS} forms`);
        return all;
      },
      [node.template.head.text],
    );
  }

  function formsOfCall(node: ts.CallExpression, scope: Scope): Forms {
    const [first, second] = node.arguments;
    const callee = node.expression;
    if (
      ts.isPropertyAccessExpression(callee) &&
      callee.expression.getText() === 'sql' &&
      first !== undefined
    ) {
      if (callee.name.text === 'join') {
        const separators = second === undefined ? [', '] : formsOf(second, scope);
        return separators.flatMap((separator) => joined(first, separator, scope));
      }
      if (callee.name.text === 'val') return [VALUE];
      if (callee.name.text === 'table' || callee.name.text === 'id')
        return wordsOf(first, scope) ?? [KNOWN_AT_RUN_TIME];
      throw new Unresolved(`\`sql.${callee.name.text}\` is not known here`);
    }
    const called = declarationOf(callee);
    if (called === undefined) throw new Unresolved(`\`${callee.getText()}\` is not a function of ours`);
    const inner = new Map(scope);
    for (const [index, { name }] of called.parameters.entries()) {
      const symbol = symbolAt(name);
      const argument = node.arguments[index];
      if (symbol !== undefined && argument !== undefined) inner.set(symbol, { expression: argument, scope });
    }
    return resultsOf(called).flatMap((result) => formsOf(result, inner));
  }

  /** A list of fragments; for one that is made by `map`, two of its elements. */
  function joined(list: ts.Expression, separator: string, scope: Scope): Forms {
    const node = unwrapped(list);
    if (ts.isArrayLiteralExpression(node))
      return node.elements
        .map((element) => (isFragment(element) ? formsOf(element, scope) : [VALUE]))
        .reduce((before, forms) => before.flatMap((text) => forms.map((form) => text + separator + form)));
    if (ts.isIdentifier(node)) {
      const initializer = initializerOf(node);
      if (initializer !== undefined) return joined(initializer, separator, scope);
    }
    if (ts.isCallExpression(node) && node.expression.getText().endsWith('.map')) {
      const [element] = node.arguments;
      if (element !== undefined && ts.isArrowFunction(element))
        return resultsOf(element)
          .flatMap((result) => formsOf(result, scope))
          .map((form) => form + separator + form);
    }
    throw new Unresolved(`the elements of \`${node.getText()}\` are not known`);
  }

  /** The values of a type like `'one' | 'two'`; undefined for any string. */
  function wordsOf(node: ts.Expression, scope: Scope): Forms | undefined {
    const bound = ts.isIdentifier(node) ? scope.get(symbolAt(node) as ts.Symbol) : undefined;
    if (bound !== undefined) return wordsOf(bound.expression, bound.scope);
    const type = checker.getTypeAtLocation(node);
    const words = (type.isUnion() ? type.types : [type]).map((each) =>
      each.isStringLiteral() ? each.value : undefined,
    );
    return words.every((word) => word !== undefined) ? words : undefined;
  }

  function formsOfName(node: ts.Identifier, scope: Scope): Forms {
    const symbol = symbolAt(node) as ts.Symbol;
    const bound = scope.get(symbol);
    if (bound !== undefined) return formsOf(bound.expression, bound.scope);
    const declaration = symbol.valueDeclaration;
    if (declaration !== undefined && ts.isParameter(declaration)) {
      const own = declaration.initializer === undefined ? [] : formsOf(declaration.initializer, scope);
      const forms = [...own, ...argumentsFor(declaration).flatMap((each) => formsOf(each, NO_SCOPE))];
      if (forms.length > 0) return [...new Set(forms)];
    }
    const initializer = initializerOf(node);
    if (initializer !== undefined) return formsOf(initializer, scope);
    throw new Unresolved(`nothing says what \`${node.text}\` is`);
  }

  function initializerOf(node: ts.Identifier): ts.Expression | undefined {
    const declaration = symbolAt(node)?.valueDeclaration;
    return declaration !== undefined && ts.isVariableDeclaration(declaration)
      ? declaration.initializer
      : undefined;
  }

  function argumentsFor(parameter: ts.ParameterDeclaration): ts.Expression[] {
    const called = parameter.parent;
    const name =
      ts.isArrowFunction(called) && ts.isVariableDeclaration(called.parent)
        ? called.parent.name
        : called.name;
    const index = called.parameters.indexOf(parameter);
    const calls = (name && callsOf.get(symbolAt(name))) ?? [];
    return calls.map((call) => call.arguments[index]).filter((argument) => argument !== undefined);
  }

  function declarationOf(callee: ts.Expression): ts.FunctionDeclaration | ts.ArrowFunction | undefined {
    const declaration = symbolAt(callee)?.valueDeclaration;
    if (declaration === undefined) return undefined;
    if (ts.isFunctionDeclaration(declaration)) return declaration;
    const value = ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
    return value !== undefined && ts.isArrowFunction(value) ? value : undefined;
  }

  /** The templates that `node` may be when it is executed. */
  function executed(node: ts.Expression): ts.Expression[] {
    const inner = unwrapped(node);
    if (ts.isConditionalExpression(inner)) return [inner.whenTrue, inner.whenFalse].flatMap(executed);
    if (!ts.isIdentifier(inner)) return [inner];
    const declaration = symbolAt(inner)?.valueDeclaration;
    if (declaration === undefined) return [inner];
    if (ts.isParameter(declaration)) return argumentsFor(declaration).flatMap(executed);
    const list = declaration.parent.parent;
    if (ts.isForOfStatement(list) && ts.isArrayLiteralExpression(list.expression))
      return list.expression.elements.flatMap(executed);
    const initializer = initializerOf(inner);
    return initializer === undefined ? [inner] : executed(initializer);
  }

  function kindsOf(type: ts.Type): Kind[] {
    const parts = type.isUnion() ? type.types : [type];
    return [...new Set(parts.map(kindOf))].sort();
  }

  function kindOf(type: ts.Type): Kind {
    const is = (flags: ts.TypeFlags) => (type.flags & flags) !== 0;
    if (is(ts.TypeFlags.Null | ts.TypeFlags.Undefined)) return 'null';
    if (is(ts.TypeFlags.StringLike)) return 'string';
    if (is(ts.TypeFlags.NumberLike)) return 'number';
    if (is(ts.TypeFlags.BooleanLike)) return 'boolean';
    if (checker.isArrayType(type)) {
      const [element] = checker.getTypeArguments(type as ts.TypeReference);
      return element === undefined ? 'any' : `${kindsOf(element).join('|')}[]`;
    }
    const name = type.symbol?.name;
    return name === 'Date' || name === 'Buffer' ? name : 'any';
  }

  /** `T` of `RawBuilder<T>`. */
  function claimOf(node: ts.Expression): ts.Type | undefined {
    const type = checker.getTypeAtLocation(node);
    const [claim] = type.aliasTypeArguments ?? checker.getTypeArguments(type as ts.TypeReference) ?? [];
    return claim === undefined || claim.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown) ? undefined : claim;
  }

  function columnsOf(claim: ts.Type, at: ts.Node): Record<string, Kind[]> {
    return Object.fromEntries(
      checker
        .getPropertiesOfType(claim)
        .map((property) => [property.name, kindsOf(checker.getTypeOfSymbolAtLocation(property, at))]),
    );
  }

  function add(
    node: ts.Expression,
    claimed: (claim: ts.Type) => Record<string, Kind[]>,
    wrap = (text: string) => text,
  ) {
    const where = { place: placeOf(node), inside: functionAround(node) };
    try {
      const claim = claimOf(node);
      const columns = claim === undefined ? null : claimed(claim);
      for (const form of new Set(formsOf(node, NO_SCOPE)))
        statements.push({ ...where, columns, text: numbered(wrap(form)) });
    } catch (error) {
      if (!(error instanceof Unresolved)) throw error;
      unresolved.push(`${where.place} (${where.inside}): ${error.message}`);
    }
  }

  const roots = nodes.flatMap((node) => {
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return [];
    const { name, expression } = node.expression;
    const type = checker.getTypeAtLocation(expression);
    return name.text === 'execute' && (type.getProperty('isRawBuilder') || type.symbol?.name === 'Prepared')
      ? executed(expression)
      : [];
  });
  for (const root of new Set(roots)) add(root, (claim) => columnsOf(claim, root));

  // The rest are expressions for Kysely's builders, over the tables of the surrounding query.
  for (const node of nodes) {
    if (!isSqlTemplate(node) || used.has(node)) continue;
    const tables = tablesAround(node);
    if (tables.length === 0)
      unresolved.push(`${placeOf(node)} (${functionAround(node)}): no query executes it`);
    else
      add(
        node,
        (claim) => ({ value: kindsOf(claim) }),
        (text) => `select (${text}) as value from ${tables.join(', ')}`,
      );
  }
  return { statements, unresolved };
}

function readProgram(): ts.Program {
  const file = path.join(ROOT, 'tsconfig.json');
  const config = ts.getParsedCommandLineOfConfigFile(
    file,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
      },
    },
  );
  if (config === undefined) throw new Error(`${file} cannot be read`);
  const files = config.fileNames.filter((name) => path.relative(ROOT, name).startsWith('src/'));
  return ts.createProgram(files, config.options);
}

function everyNode(node: ts.Node): ts.Node[] {
  const nodes = [node];
  for (const each of nodes) ts.forEachChild(each, (child) => void nodes.push(child));
  return nodes;
}

function isSqlTemplate(node: ts.Node): node is ts.TaggedTemplateExpression {
  if (!ts.isTaggedTemplateExpression(node)) return false;
  return (
    (ts.isCallExpression(node.tag) ? node.tag.expression : node.tag).getText().match(/^(sql|prepared)$/) !==
    null
  );
}

/** Without parentheses, `as`, `satisfies` and `!`. */
function unwrapped(node: ts.Expression): ts.Expression {
  return ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isNonNullExpression(node)
    ? unwrapped(node.expression)
    : node;
}

function resultsOf(called: ts.FunctionDeclaration | ts.ArrowFunction): ts.Expression[] {
  if (called.body === undefined) return [];
  if (!ts.isBlock(called.body)) return [called.body];
  return everyNode(called.body)
    .filter(ts.isReturnStatement)
    .flatMap(({ expression }) => expression ?? []);
}

function placeOf(node: ts.Node): string {
  const source = node.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  return `${path.relative(ROOT, source.fileName)}:${line + 1}`;
}

function functionAround(node: ts.Node): string {
  const named = ts.findAncestor(
    node,
    (each): each is ts.FunctionDeclaration | ts.VariableDeclaration =>
      ts.isFunctionDeclaration(each) ||
      (ts.isVariableDeclaration(each) && ts.isSourceFile(each.parent.parent.parent)),
  );
  return named?.name?.getText() ?? 'module';
}

/** Tables given to Kysely's builder, in the statement around `node` or else in its function. */
function tablesAround(node: ts.Node): string[] {
  const named = (around: ts.Node) => [
    ...new Set(
      everyNode(around).flatMap((each) => {
        if (!ts.isCallExpression(each) || !ts.isPropertyAccessExpression(each.expression)) return [];
        const [table] = each.arguments;
        return JOINS.test(each.expression.name.text) && table !== undefined && ts.isStringLiteral(table)
          ? [table.text]
          : [];
      }),
    ),
  ];
  const statement = ts.findAncestor(node, ts.isStatement);
  const around = ts.findAncestor(node, ts.isFunctionDeclaration);
  const own = statement === undefined ? [] : named(statement);
  return own.length > 0 || around === undefined ? own : named(around);
}

function numbered(text: string): string {
  let count = 0;
  return text.replaceAll(VALUE, () => {
    count += 1;
    return `$${count}`;
  });
}
