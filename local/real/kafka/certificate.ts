/** A certificate for 127.0.0.1 that is its own authority, made by the keytool that comes with Java. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "../command.ts";

export interface Certificate {
  /** PKCS12, key and certificate, under `password`. */
  keystore: string;
  /** PEM: what a client trusts. */
  caFile: string;
}

const ALIAS = "kafka";

/** Made once a folder. */
export async function makeCertificate(folder: string, password: string): Promise<Certificate> {
  const keystore = join(folder, "keystore.p12");
  const caFile = join(folder, "ca.pem");
  if (existsSync(caFile)) return { keystore, caFile };
  const keytool = (...args: string[]) =>
    run("keytool", [...args, "-alias", ALIAS, "-keystore", keystore, "-storepass:env", "SECRET"], {
      env: { SECRET: password },
    });
  const key = "-keyalg EC -groupname secp256r1 -validity 3650 -storetype PKCS12";
  const names = "-dname CN=localhost -ext SAN=ip:127.0.0.1,dns:localhost -ext BC=ca:true";
  await keytool("-genkeypair", ...`${key} ${names}`.split(" "));
  await keytool("-exportcert", "-rfc", "-file", caFile);
  return { keystore, caFile };
}
