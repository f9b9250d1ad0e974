// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// Prints a new random secret.
@Command(
    name = "generate-secret-key",
    aliases = "generate_secret_key",
    description = "Print a new secret for signing access tokens.",
    footerHeading = "%nExample:%n",
    footer = "  export TIDINGS_AUTH_SECRET_KEY=$$(tidings generate-secret-key | cut -d= -f2)")
final class GenerateSecretKeyCommand implements Callable<Integer> {
  private static final int BYTES = 16;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    Console.of(spec).line("new_secret=" + newSecret());
    return 0;
  }

  /// 128 random bits as 32 hexadecimal digits.
  static String newSecret() {
    byte[] bytes = new byte[BYTES];
    new SecureRandom().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
