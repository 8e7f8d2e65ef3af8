export { contextConditions, requestContext, type RequestContext } from './conditions.js'
export {
  applies,
  principalMatch,
  type AuthorizationRequest,
  type Principal,
  type PrincipalMatch,
} from './evaluate.js'
export {
  parsePolicy,
  type Policy,
  type PolicyDocument,
  type PolicyKind,
  type PrincipalList,
  type Statement,
} from './parse-policy.js'
