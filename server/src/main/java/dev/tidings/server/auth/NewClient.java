// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import dev.tidings.core.directory.Client;
import dev.tidings.core.directory.Scopes;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.UUID;

/// What somebody wants a client to be, and the secret that is told once.
///
/// @param name for people
/// @param scopes all it may do
/// @param active whether it may get tokens and act
/// @param secret 128 random bits as 32 hexadecimal digits
public record NewClient(String name, Scopes scopes, boolean active, String secret) {
  private static final int SECRET_BYTES = 16;
  private static final long RANDOM_A = 0x0FFFL;
  private static final long VERSION = 0x7000L;
  private static final long RANDOM_B = 0x3FFF_FFFF_FFFF_FFFFL;
  private static final long VARIANT = 0x8000_0000_0000_0000L;

  /// A client with a new secret.
  public static NewClient of(String name, Scopes scopes, boolean active, SecureRandom random) {
    byte[] secret = new byte[SECRET_BYTES];
    random.nextBytes(secret);
    return new NewClient(name, scopes, active, HexFormat.of().formatHex(secret));
  }

  /// The client, whose id is new.
  ///
  /// @param secretHash of its secret
  /// @param now milliseconds since 1970
  public Client withHash(String secretHash, long now, SecureRandom random) {
    // A UUIDv7: clients are listed in the order in which they were made.
    UUID id =
        new UUID(
            now << 16 | VERSION | (random.nextLong() & RANDOM_A),
            VARIANT | (random.nextLong() & RANDOM_B));
    return new Client(id.toString(), name, scopes, secretHash, active, 1, now, now);
  }

  @Override
  public String toString() {
    // Secrets stay out of logs.
    return "NewClient[" + name + ", " + scopes + "]";
  }
}
