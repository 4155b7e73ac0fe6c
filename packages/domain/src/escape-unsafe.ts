/** Control, format (bidi, tags), surrogate and unassigned characters; line separators; invisible characters. */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Makes a text safe for a terminal: characters that move the cursor, hide or reverse text, or break a line become `\uXXXX`.
 * Within JSON this is the same text.
 */
export function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, (character) => {
    let escaped = '';
    for (let i = 0; i < character.length; i++) {
      escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }
    return escaped;
  });
}
