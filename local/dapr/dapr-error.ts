/** An error as Dapr's HTTP API tells it: a status, a code, a sentence. */

export class DaprError extends Error {
  readonly status: number;
  readonly errorCode: string;

  constructor(status: number, errorCode: string, message: string) {
    super(message);
    this.name = "DaprError";
    this.status = status;
    this.errorCode = errorCode;
  }
}
