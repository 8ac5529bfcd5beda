/** A number with its noun: `1 grant`, `2 grants`. */
export const counted = (n: number, one: string, many: string) => `${n.toLocaleString()} ${n === 1 ? one : many}`;
