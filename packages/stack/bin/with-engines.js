#!/usr/bin/env node
import '../dist/with-engines-command.js';
