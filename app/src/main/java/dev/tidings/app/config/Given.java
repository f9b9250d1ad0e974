// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

/// A value somebody gave, as text, and where it was given: `tidings.yaml:3`, `--port`.
record Given(String text, String source) {}
