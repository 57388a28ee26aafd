export interface TopicChoice {
  topic: string;
  chosen: boolean;
}

/**
 * The topics a reader can tick: all known topics, and those they chose earlier, spelled as they chose them, so that
 * they can still remove a topic that is no longer in use.
 */
export function topicChoices(known: readonly string[], chosen: readonly string[]): TopicChoice[] {
  const choices = new Map<string, TopicChoice>();
  for (const topic of known) choices.set(topic.toLowerCase(), { topic, chosen: false });
  for (const topic of chosen) choices.set(topic.toLowerCase(), { topic, chosen: true });
  return [...choices.values()].sort((a, b) => a.topic.localeCompare(b.topic, 'en'));
}
