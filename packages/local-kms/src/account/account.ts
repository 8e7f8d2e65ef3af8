import type { Policy } from '../policy/parse-policy.js'
import { partitionOf } from '../arn.js'
import { AwsError } from '../errors.js'
import type { LambdaFunction, LayerVersion } from './lambda-function.js'
import type { Network } from './network.js'
import { readStateText, stateFromText, stateToText, writeStateText } from './file.js'
import { emptyRegion, emptyState, type RegionState, type State } from './state.js'

/** An AWS account: its principals, and the keys, parameters and secrets of each region. */
export class Account {
  state: State
  /** By ARN. Functions, layers and networks are in memory only. */
  readonly functions = new Map<string, LambdaFunction>()
  /** By the ARN of the layer version. */
  readonly layers = new Map<string, LayerVersion>()
  /** Other accounts by id. Only their keys are used, and they are in memory only. */
  readonly others = new Map<string, Account>()
  readonly networks = new Map<string, Network>()
  /** The service control policy of the account's organization, if it has one. */
  serviceControlPolicy: Policy | undefined
  readonly #dir: string | undefined
  #saved: string

  /** The region of calls that name none. Its partition is the partition of new ARNs. */
  readonly homeRegion: string

  /**
   * @param dir an existing, locked folder. Without it, the state is kept in memory.
   * @throws LocalKmsError STATE_CORRUPT
   */
  constructor({
    dir,
    accountId,
    homeRegion,
  }: {
    dir?: string | undefined
    accountId: string
    homeRegion: string
  }) {
    this.#dir = dir
    this.homeRegion = homeRegion
    const text = dir === undefined ? undefined : readStateText(dir)
    this.state =
      dir === undefined || text === undefined ? emptyState(accountId) : stateFromText(text, dir)
    this.#saved = text ?? stateToText(this.state)
  }

  get id(): string {
    return this.state.accountId
  }

  get partition(): string {
    return partitionOf(this.homeRegion)
  }

  region(name: string): RegionState {
    let region = this.state.regions.get(name)
    if (region === undefined) {
      region = emptyRegion(name)
      this.state.regions.set(name, region)
    }
    return region
  }

  /**
   * Writes the state to its folder. Call it after every change, before the answer.
   *
   * @throws AwsError KMSInternalException if the state cannot be written. The change is undone, so
   *   that answers never depend on a state that a restart would lose.
   */
  save(): void {
    if (this.#dir === undefined) return
    const text = stateToText(this.state)
    try {
      writeStateText(this.#dir, text)
    } catch (cause) {
      this.state = stateFromText(this.#saved, this.#dir)
      throw new AwsError(
        'KMSInternalException',
        `the local KMS could not write its state to ${this.#dir}: ${(cause as Error).message}`,
        { status: 500 },
      )
    }
    this.#saved = text
  }
}
