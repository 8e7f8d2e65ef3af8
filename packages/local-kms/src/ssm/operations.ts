import type { Operations } from '../protocol/service.js'
import { LabelParameterVersion } from './labels.js'
import { DescribeParameters, GetParametersByPath } from './list-parameters.js'
import * as parameters from './parameters.js'

/** The operations of `AmazonSSM`. */
export const ssmOperations = {
  PutParameter: parameters.PutParameter,
  GetParameter: parameters.GetParameter,
  GetParameters: parameters.GetParameters,
  GetParametersByPath,
  DescribeParameters,
  DeleteParameter: parameters.DeleteParameter,
  DeleteParameters: parameters.DeleteParameters,
  LabelParameterVersion,
} satisfies Operations
