// The length of a text as its channel counts it. The same rules as bot/channels.py; a test compares the two.
const LINK_LENGTH = 23;
const WORD = "[\\p{L}\\p{N}_]";
const EDGE = `(?:(?<!${WORD})(?=${WORD})|(?<=${WORD})(?!${WORD}))`;
const LINK = new RegExp(`(?:https?://[^\\s]+)|(?:${EDGE}(?:[a-z0-9-]+\\.)+[a-z]{2,}${EDGE}(?:/[^\\s]*)?)`, "giu");
const LIGHT = [[0x0, 0x10ff], [0x2000, 0x200d], [0x2010, 0x201f], [0x2032, 0x2037]];

const weight = (character) => {
  const point = character.codePointAt(0);
  return LIGHT.some(([low, high]) => low <= point && point <= high) ? 1 : 2;
};

export function count(text, counter) {
  if (counter === "bytes") return new TextEncoder().encode(text).length;
  if (counter === "characters") return [...text].length;
  const composed = text.normalize("NFC");
  const links = composed.match(LINK) ?? [];
  const rest = [...composed.replace(LINK, "")];
  const units = counter === "weighted" ? rest.reduce((sum, character) => sum + weight(character), 0) : rest.length;
  return links.length * LINK_LENGTH + units;
}
