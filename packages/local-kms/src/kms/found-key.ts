import type { KeyRecord } from '../account/state.js'

/** A key as a request named it. */
export interface FoundKey {
  key: KeyRecord
  arn: string
  /** The alias that the request named, `alias/` included. */
  requestAlias?: string
}
