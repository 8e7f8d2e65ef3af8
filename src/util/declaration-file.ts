/** A module of types alone: what it imports is no mark, and what it says never runs. */
export const DECLARATION = /\.d\.[cm]?ts(?:\?|$)/
