import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { DeskPage } from './frame.tsx';

/** Shows an error with its own message. */
export function refusalPage(
  site: Site,
  { message, help }: { message: string; help: string | undefined },
): string {
  return render(
    <DeskPage site={site} title="Nothing was changed">
      <div className="stack">
        <h1>Nothing was changed</h1>
        <p>{message}</p>
        {help !== undefined && <p>{help}</p>}
        <p>
          <a className="tap" href="/editor">
            Back to the desk
          </a>
        </p>
      </div>
    </DeskPage>,
  );
}
