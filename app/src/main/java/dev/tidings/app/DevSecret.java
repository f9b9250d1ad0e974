// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.config.Secret;
import dev.tidings.app.config.TidingsConfig;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/// The secret that `--dev` makes for itself and keeps, so that tokens outlive a restart.
final class DevSecret {
  static final String FILE = "dev-secret";
  private static final int LENGTH = 32;

  private DevSecret() {}

  /// The configuration with a secret: its own, or the kept one if `dev` is on and it has none.
  static TidingsConfig complete(TidingsConfig config) throws StartException {
    if (config.auth().secretKey().isPresent() || !config.dev()) {
      return config;
    }
    DataDirectory.makePrivate(config.store().dataDir());
    Path file = config.store().dataDir().resolve(FILE);
    try {
      if (!Files.exists(file)) {
        make(file);
      }
      String secret = Files.readString(file).strip();
      if (secret.length() < LENGTH) {
        throw new StartException(
            "%s: %d characters (expected: at least %d); delete it, a new one is made at the next start"
                .formatted(file, secret.length(), LENGTH));
      }
      return config.withSecretKey(new Secret(secret));
    } catch (IOException e) {
      throw new StartException(
          "the secret of --dev cannot be kept in %s: %s (expected: a data directory that this user may write; name another with --data-dir)"
              .formatted(file, e),
          e);
    }
  }

  /// Writes beside and moves, so that a crash leaves a whole secret or none.
  private static void make(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    Path draft =
        Files.createTempFile(
            folder,
            FILE,
            ".new",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try {
      Files.writeString(draft, GenerateSecretKeyCommand.newSecret() + "\n");
      Files.move(draft, file);
    } catch (FileAlreadyExistsException _) {
      // A server started at the same moment made it first; its secret is the one to read.
    } finally {
      Files.deleteIfExists(draft);
    }
  }
}
