import { topics } from '../../comparisons/names.ts';
import { MAX_LENGTH } from '../../issues/edit.ts';
import { lengthOf } from '../../issues/truncate.ts';
import { TEMPLATES, type TemplateRef } from '../../render/render-variant.ts';
import { EditForm, type WeekProps } from './edit-form.tsx';

/** The editor's own subject, preheader and introduction. */
export const LinesForm = (props: WeekProps) => {
  const { choices, ours } = props.view;
  return (
    <section id="words">
      <h2>First lines</h2>
      <EditForm {...props} className="autosave">
        <input type="hidden" name="kind" value="words" />
        <Line name="subject" label="Subject" from={30} to={50} value={choices.subject} ours={ours?.subject} />
        <Line
          name="preheader"
          label="Preheader"
          from={40}
          to={90}
          value={choices.preheader}
          ours={ours?.preheader}
        />
        <label className="field">
          <span>Introduction</span>
          <textarea name="intro" defaultValue={choices.intro ?? ''} maxLength={MAX_LENGTH.intro} />
        </label>
        <p className="meta after">An empty line is ours; what stands in it, greyed, is what would go out.</p>
        <div className="doings">
          <button type="submit" className="quiet">
            Save the lines
          </button>
        </div>
      </EditForm>
    </section>
  );
};

interface LineProps {
  name: 'subject' | 'preheader';
  label: string;
  from: number;
  to: number;
  value: string | null;
  ours: string | undefined;
}

/** One text field with its length and the recommended length. */
const Line = ({ name, label, from, to, value, ours }: LineProps) => {
  const length = lengthOf(value ?? ours ?? '');
  return (
    <label className="field">
      <span>
        {label}{' '}
        <span className={length < from || length > to ? 'count out' : 'count'} data-count={`${from}-${to}`}>
          {`${length} of ${from} to ${to} characters`}
        </span>
      </span>
      <input name={name} defaultValue={value ?? ''} placeholder={ours} maxLength={MAX_LENGTH[name]} />
    </label>
  );
};

export const TEMPLATE_NAMES: Readonly<Record<TemplateRef, string>> = {
  'react:digest': 'React Email',
  'mjml:digest': 'MJML',
};

/** The choice of template and topics. */
export const AppearanceForm = (props: WeekProps) => {
  const { issue, choices, held } = props.view;
  const comparisons = [...(issue.plan?.comparisons.map(({ comparison }) => comparison) ?? []), ...held];
  const offered = new Map(
    [...comparisons.flatMap(topics), ...choices.withoutTopics].map((topic) => [topic.toLowerCase(), topic]),
  );
  const without = new Set(choices.withoutTopics.map((topic) => topic.toLowerCase()));
  return (
    <section id="look">
      <h2>Template and topics</h2>
      <EditForm {...props}>
        <div className="two">
          <fieldset>
            <legend>Drawn by</legend>
            {TEMPLATES.map((template) => (
              <label className="tick" key={template}>
                <input
                  type="radio"
                  name="template"
                  value={template}
                  defaultChecked={template === issue.template}
                />
                {TEMPLATE_NAMES[template]}
              </label>
            ))}
          </fieldset>
          <fieldset>
            <legend>Topics of this issue; the rest waits for the next</legend>
            {[...offered.entries()]
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([key, topic]) => (
                <label className="tick" key={key}>
                  <input type="checkbox" name="topic" value={topic} defaultChecked={!without.has(key)} />
                  <input type="hidden" name="offered" value={topic} />
                  {topic}
                </label>
              ))}
          </fieldset>
        </div>
        <button type="submit" name="kind" value="look" className="quiet">
          Save template and topics
        </button>
      </EditForm>
    </section>
  );
};
