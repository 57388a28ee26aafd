export interface TopicChoice {
  topic: string;
  chosen: boolean;
}

/**
 * What a reader can tick: every known topic and whatever they chose before, spelled as they chose it, so
 * that a topic which is not in use any more can still be given up.
 */
export function topicChoices(known: readonly string[], chosen: readonly string[]): TopicChoice[] {
  const choices = new Map<string, TopicChoice>();
  for (const topic of known) choices.set(topic.toLowerCase(), { topic, chosen: false });
  for (const topic of chosen) choices.set(topic.toLowerCase(), { topic, chosen: true });
  return [...choices.values()].sort((a, b) => a.topic.localeCompare(b.topic, 'en'));
}
