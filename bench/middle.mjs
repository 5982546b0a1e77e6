/** The middle value; of an even number of values the upper one of the two in the middle. */
export const middle = numbers => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
