// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.auth;

import com.password4j.Argon2Function;
import com.password4j.Password;
import com.password4j.types.Argon2;
import dev.tidings.server.wire.RequestMark;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Hashes passwords with Argon2id on a bounded pool: each hash takes tens of megabytes for tens of
/// milliseconds, so an unbounded one would turn the login into an attack on memory.
public final class Passwords implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Passwords.class);
  private static final int SALT_BYTES = 16;
  private static final int HASH_BYTES = 32;
  private static final int KIB = 1024;

  private final Argon2Function function;
  private final ThreadPoolExecutor pool;
  // Made when it is first needed: a start must not wait for it.
  private volatile @Nullable String nobodysHash;

  /// How passwords are hashed.
  ///
  /// @param memoryBytes for one hash; OWASP asks for 19 MiB or more
  /// @param iterations 1 or more; OWASP asks for 2 with 19 MiB
  /// @param concurrency hashes at once
  /// @param queue further ones that wait; beyond that they are refused
  public record Settings(long memoryBytes, int iterations, int concurrency, int queue) {}

  /// Hashes as `settings` say.
  public Passwords(Settings settings) {
    function =
        Argon2Function.getInstance(
            (int) (settings.memoryBytes() / KIB), settings.iterations(), 1, HASH_BYTES, Argon2.ID);
    pool =
        new ThreadPoolExecutor(
            settings.concurrency(),
            settings.concurrency(),
            1,
            TimeUnit.MINUTES,
            new ArrayBlockingQueue<>(settings.queue()),
            Thread.ofPlatform().daemon().name("password-", 0).factory());
    pool.allowCoreThreadTimeOut(true);
  }

  /// The hash of `password` in PHC format. Takes long: not on an event loop.
  public String hash(String password) {
    return Password.hash(password).addRandomSalt(SALT_BYTES).with(function).getResult();
  }

  private static boolean matches(String password, String hash) {
    return Password.check(password, hash).with(Argon2Function.getInstanceFromHash(hash));
  }

  /// Hashes on the pool and hands the hash to `then` on `home`; nothing if the pool is full or the
  /// hash failed.
  public void hash(String password, Executor home, Consumer<Optional<String>> then) {
    submit(() -> hash(password), home, then);
  }

  /// Compares on the pool and hands the answer to `then` on `home`; nothing if the pool is full or
  /// the hash failed. An empty `hash` takes as long as any and matches nothing, so that an answer
  /// does not tell whether there is such a user.
  public void check(
      String password, Optional<String> hash, Executor home, Consumer<Optional<Boolean>> then) {
    submit(
        () -> matches(password, hash.orElseGet(this::nobodysHash)) && hash.isPresent(), home, then);
  }

  private String nobodysHash() {
    String known = nobodysHash;
    if (known == null) {
      known = hash("no user has this password");
      nobodysHash = known;
    }
    return known;
  }

  private <T> void submit(Supplier<T> work, Executor home, Consumer<Optional<T>> then) {
    try {
      pool.execute(
          RequestMark.carried(() -> {
            Optional<T> result;
            try {
              result = Optional.of(work.get());
            } catch (RuntimeException | OutOfMemoryError e) {
              // Whatever it is, the caller must not wait for ever.
              LOG.error("a password could not be hashed", e);
              result = Optional.empty();
            }
            Optional<T> answer = result;
            home.execute(() -> then.accept(answer));
          }));
    } catch (RejectedExecutionException _) {
      // The bound of the queue: the caller answers 503.
      then.accept(Optional.empty());
    }
  }

  @Override
  public void close() {
    pool.shutdownNow();
  }
}
