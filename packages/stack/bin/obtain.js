#!/usr/bin/env node
import '../dist/obtain-command.js';
