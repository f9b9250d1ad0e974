// SPDX-License-Identifier: Apache-2.0

/// One typed tree of settings, read once from defaults, a YAML file, the environment and flags.
@NullMarked
package dev.tidings.app.config;

import org.jspecify.annotations.NullMarked;
