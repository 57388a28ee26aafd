import { type FileHandle, open } from 'node:fs/promises';
import { stringify } from 'csv-stringify/sync';
import { AppError } from '../../platform/errors.ts';
import { PRIVATE_FILE } from '../../platform/private-folder.ts';

/** Rejected rows: counted by reason, and written to a file that a person can correct and import again. */
export class Rejections implements AsyncDisposable {
  /** The header of the list. */
  header: readonly string[] = [];
  readonly #path: string | undefined;
  readonly #reasons = new Map<string, { rows: number; firstLine: number }>();
  #file: FileHandle | undefined;

  /** @param path of the file, created with the first rejected row; undefined: no file. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** @throws AppError `rejected-unwritable`. */
  async add(cells: readonly string[], line: number, reason: string): Promise<void> {
    const before = this.#reasons.get(reason);
    if (before) before.rows += 1;
    else this.#reasons.set(reason, { rows: 1, firstLine: line });
    if (this.#path === undefined) return;
    this.#file ??= await this.#open(this.#path);
    const padded = this.header.map((_, index) => cells[index] ?? '');
    await this.#file.write(stringify([[...padded, String(line), reason]]));
  }

  get summary() {
    const reasons = [...this.#reasons].map(([reason, found]) => ({ reason, ...found }));
    reasons.sort((a, b) => b.rows - a.rows || a.firstLine - b.firstLine);
    return {
      rejected: reasons.reduce((sum, { rows }) => sum + rows, 0),
      reasons,
      rejectedFile: this.#file === undefined ? null : (this.#path ?? null),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
  }

  /** Readable by its owner only: it holds addresses. */
  async #open(path: string): Promise<FileHandle> {
    try {
      const file = await open(path, 'w', PRIVATE_FILE);
      // An existing file keeps its old mode, so set it; a device or a pipe belongs to somebody else.
      if ((await file.stat()).isFile()) await file.chmod(PRIVATE_FILE);
      await file.write(stringify([[...this.header, 'line', 'reason']]));
      return file;
    } catch (cause) {
      throw new AppError('rejected-unwritable', `${path} cannot be written.`, {
        help: 'Bad rows would go there; name another file with --rejected.',
        cause,
      });
    }
  }
}
