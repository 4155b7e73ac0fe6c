/** Controls (C0, DEL, C1), formats (bidi, tags), surrogates, unassigned; separators of lines; what is not seen at all. */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * A text that cannot touch a terminal: whatever moves a cursor, hides, reverses or breaks a line is written `\uXXXX`,
 * which is the same text where it stands within JSON.
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
