import { ApiError } from '@/shared/api/client'

/** The server names places in the manifest; the form keeps the manifest's fields at its top. */
const placeInForm = (location: string | undefined): string =>
  (location ?? '').replace(/^body\.manifest\.rules\./, 'body.').replace(/^body\.manifest\./, 'body.')

/** The same problem with its fields where this form has them. */
export function atFields(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error
  const errors = error.fieldErrors.map((field) => ({ ...field, location: placeInForm(field.location) }))
  return new ApiError({ ...error.problem, errors }, error.status, error.retryAfter)
}

/** The first field that is wrong says more than that something is. */
export function problemText(error: unknown, text: (error: unknown) => string): string {
  if (error instanceof ApiError && error.fieldErrors.length > 0) {
    const first = error.fieldErrors[0]!
    return `${placeInForm(first.location).replace(/^body\./, '')} ${first.message}`.trim()
  }
  return text(error)
}
