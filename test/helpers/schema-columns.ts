import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { ROOT } from './processes.ts';

/** A column as described by the schema or the database, in terms that both can use. */
export interface Column {
  kind: 'text' | 'text[]' | 'number' | 'boolean' | 'timestamp' | 'json' | 'bytes';
  nullable: boolean;
  /** The database sets the value when none is given. */
  made: boolean;
  /** The allowed values, sorted; empty when there is no limit. */
  words: string[];
}

export type Tables = Record<string, Record<string, Column>>;

/** The columns in src/platform/db/schema.ts, parsed as TypeScript, because types do not exist at run time. */
export function declaredTables(): Tables {
  const file = path.join(ROOT, 'src/platform/db/schema.ts');
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const interfaces = new Map<string, ts.InterfaceDeclaration>();
  const aliases = new Map<string, ts.TypeNode>();
  for (const statement of source.statements) {
    if (ts.isInterfaceDeclaration(statement)) interfaces.set(statement.name.text, statement);
    if (ts.isTypeAliasDeclaration(statement)) aliases.set(statement.name.text, statement.type);
  }
  const fields = (name: string) => [...(interfaces.get(name)?.members ?? [])].filter(ts.isPropertySignature);
  const entries = fields('Schema').map(({ name, type }) => {
    const columns = fields(type?.getText() ?? '').map((field) => {
      if (field.type === undefined) throw new Error(`${field.getText()} has no type`);
      return [field.name.getText(), columnOf(field.type, aliases)] as const;
    });
    return [name.getText(), Object.fromEntries(columns)] as const;
  });
  return Object.fromEntries(entries);
}

function columnOf(type: ts.TypeNode, aliases: Map<string, ts.TypeNode>): Column {
  if (ts.isTypeReferenceNode(type)) {
    const name = type.typeName.getText();
    const [first, insert] = type.typeArguments ?? [];
    if (name === 'Json') return { kind: 'json', nullable: false, made: false, words: [] };
    if (name === 'Created') return { kind: 'timestamp', nullable: false, made: true, words: [] };
    if (name === 'Buffer') return { kind: 'bytes', nullable: false, made: false, words: [] };
    if (name === 'Date') return { kind: 'timestamp', nullable: false, made: false, words: [] };
    if (name === 'ColumnType' && insert !== undefined)
      return { kind: 'json', nullable: insert.getText().includes('null'), made: false, words: [] };
    if ((name === 'Generated' || name === 'GeneratedAlways') && first !== undefined)
      return { ...columnOf(first, aliases), made: true };
    const alias = aliases.get(name);
    if (alias !== undefined) return columnOf(alias, aliases);
  }
  if (ts.isUnionTypeNode(type)) {
    const others = type.types.filter((each) => each.getText() !== 'null');
    const nullable = others.length < type.types.length;
    const [only] = others;
    if (others.length === 1 && only !== undefined) return { ...columnOf(only, aliases), nullable };
    const words = others.map((each) => each.getText().replaceAll("'", '')).sort();
    return { kind: 'text', nullable, made: false, words };
  }
  const kind = ({ string: 'text', number: 'number', boolean: 'boolean', 'string[]': 'text[]' } as const)[
    type.getText()
  ];
  if (kind === undefined) throw new Error(`a type this test does not know: ${type.getText()}`);
  return { kind, nullable: false, made: false, words: [] };
}
