/** A module of types only: it has no marks, and never runs. */
export const DECLARATION = /\.d\.[cm]?ts(?:\?|$)/
