/** The same function with its framework in one file. */
import { cloudEvent } from "@google-cloud/functions-framework";
import { getTestServer } from "@google-cloud/functions-framework/testing";

cloudEvent("handle", async () => undefined);
getTestServer("handle").listen(Number(process.env.PORT), "127.0.0.1");
