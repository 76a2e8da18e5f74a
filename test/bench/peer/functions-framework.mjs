/** A function for @google-cloud/functions-framework. */
import { cloudEvent } from "@google-cloud/functions-framework";

cloudEvent("handle", async () => undefined);
