// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.tls;

import dev.tidings.core.runtime.TimeSource;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The TLS of a server: the certificate its listeners show, renewed from its files while they run.
///
/// A connection keeps the certificate it began with. New files that cannot be used are told in the
/// log, once, and the old certificate stays.
public final class Tls implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Tls.class);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /// A certificate that ends sooner is a warning.
  private static final long SOON_DAYS = 14;

  private final TlsSettings settings;
  private final TimeSource time;
  private final CertificateFiles files;
  private final ScheduledExecutorService reloading =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("tls-reload").factory());
  private volatile ServerCertificate shown;

  /// Reads the certificate.
  public Tls(Vertx vertx, TlsSettings settings, TimeSource time)
      throws UnusableCertificateException {
    this.settings = settings;
    this.time = time;
    files = new CertificateFiles(vertx, settings);
    shown = files.look().orElseThrow();
    tell(shown);
  }

  /// Makes a listener of `options` speak TLS.
  public HttpServerOptions with(HttpServerOptions options) {
    shown.applyTo(options);
    return options;
  }

  /// When the certificate that is shown ends.
  public Instant ends() {
    return shown.ends();
  }

  /// Renews what `listener` shows when the files change, until it is closed. Listeners that share a
  /// port share their certificate.
  public void renew(HttpServer listener) {
    long everyMs = settings.reloadInterval().toMillis();
    var _ =
        reloading.scheduleWithFixedDelay(
            () -> lookAgain(listener), everyMs, everyMs, TimeUnit.MILLISECONDS);
  }

  private void lookAgain(HttpServer listener) {
    try {
      Optional<ServerCertificate> changed = files.look();
      if (changed.isPresent()) {
        show(listener, changed.get());
      }
    } catch (UnusableCertificateException e) {
      LOG.error("the TLS certificate stays as it was: {}", e.getMessage());
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException | RuntimeException e) {
      // Thrown on, it would end the schedule.
      files.forget();
      LOG.error("the TLS certificate stays as it was; the next look tries again", e);
    }
  }

  private void show(HttpServer listener, ServerCertificate certificate)
      throws ExecutionException, InterruptedException, TimeoutException {
    var _ =
        listener
            .updateSSLOptions(certificate.options(), /* force= */ true)
            .toCompletionStage()
            .toCompletableFuture()
            .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    shown = certificate;
    tell(certificate);
  }

  private void tell(ServerCertificate certificate) {
    Instant now = Instant.ofEpochMilli(time.wallMs());
    long days = Duration.between(now, certificate.ends()).toDays();
    if (!certificate.ends().isAfter(now)) {
      LOG.error(
          "the TLS certificate of {} has ended on {}: clients refuse it",
          certificate.subject(),
          certificate.ends());
    } else if (days < SOON_DAYS) {
      LOG.warn(
          "the TLS certificate of {} ends in {} days, on {}",
          certificate.subject(),
          days,
          certificate.ends());
    } else {
      LOG.info(
          "the TLS certificate of {} ends in {} days, on {}",
          certificate.subject(),
          days,
          certificate.ends());
    }
  }

  @Override
  public void close() {
    reloading.shutdownNow();
  }
}
