import { Page, render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';

/** Says what is deleted and what stays; has one button. */
export function erasePage(site: Site, address: string): string {
  return render(
    <Page site={site} title="Erase me">
      <div className="stack">
        <h1>Erase all we know about you?</h1>
        <p>
          It is about <strong className="address">{address}</strong>. This cannot be taken back.
        </p>
        <p>
          <strong>Gone at once:</strong> your address, your topics, where you signed up from, your votes, and
          every mail that still waits for you. No issue is sent to you any more; one last mail says that it is
          done.
        </p>
        <p>
          <strong>What stays:</strong> a row without a name in our database, which shows that you agreed and
          left, and a scrambled fingerprint of your address. It tells nobody the address; it only keeps an old
          list from bringing you back.
        </p>
      </div>
      <form method="post">
        <input type="hidden" name="erase" value="1" />
        <button type="submit">Erase me</button>
      </form>
      <p className="meta after">To stay, close this page. Nothing has changed so far.</p>
    </Page>,
  );
}

export function erasedPage(site: Site): string {
  return render(
    <Page site={site} title="Your data is erased">
      <div className="stack">
        <h1>We erased your data</h1>
        <p>
          Your address is gone from our database, and we will send you no more issues. One last mail confirms
          this, and then our last copy of your address is erased, too.
        </p>
        <p>
          You can still read every verdict <a href="/issues">on this site</a>.
        </p>
      </div>
    </Page>,
  );
}
