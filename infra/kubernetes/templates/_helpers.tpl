{{- define "calltally.name" -}}
{{ printf "%s-%s" .root.Release.Name .service | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "calltally.selector" -}}
app.kubernetes.io/name: calltally
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- end }}

{{- define "calltally.labels" -}}
{{ include "calltally.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "calltally.image" -}}
{{ with .root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}calltally/{{ .image }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- /* The chart's own settings of a service: ports, and how long it drains. */ -}}
{{- define "calltally.ownSettings" -}}
HOST: 0.0.0.0
{{- if eq .service "api" }}
PORT: "3000"
MANAGEMENT_PORT: "9000"
{{- else if eq .service "ingest" }}
INGEST_PORT: "9000"
{{- else if eq .service "intake" }}
INTAKE_PORT: "3000"
INTAKE_MANAGEMENT_PORT: "9000"
{{- end }}
{{- end }}

{{- /* The environment of a service: of all settings those that it reads (files/variables.yaml). */ -}}
{{- define "calltally.env" -}}
{{- $read := index (.root.Files.Get "files/variables.yaml" | fromYaml) .reads }}
{{- $own := include "calltally.ownSettings" . | fromYaml }}
{{- range $name, $value := $own }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $value := .root.Values.settings }}
{{- if and (has $name $read) (ne (toString $value) "") }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- range $name, $from := .root.Values.secrets }}
{{- if has $name $read }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.secret }}
      key: {{ $from.key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "calltally.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "calltally.podSecurity" -}}
runAsNonRoot: true
# `node` of the image. A number, so that the kubelet can tell that it is not root.
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "calltally.mounts" -}}
{{- range $i, $file := .root.Values.files }}
- name: file-{{ $i }}
  mountPath: {{ $file.path }}
  readOnly: true
{{- end }}
{{- end }}

{{- define "calltally.volumes" -}}
{{- range $i, $file := .root.Values.files }}
- name: file-{{ $i }}
  secret: { secretName: {{ $file.secret }}, defaultMode: 0440 }
{{- end }}
{{- end }}

{{- /* What all pods have in common, beside their containers. */ -}}
{{- define "calltally.pod" -}}
serviceAccountName: {{ .root.Release.Name }}-calltally
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "calltally.podSecurity" . | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "calltally.volumes" . | trim }}
volumes:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{- /*
A deployment of one of the three services.
drains: whether it goes on answering after SIGTERM for DRAIN_SECONDS
ends: seconds that it needs then
*/ -}}
{{- define "calltally.deployment" -}}
{{- $values := index .root.Values .service }}
{{- $drain := ternary (.root.Values.settings.DRAIN_SECONDS | default 10 | int) 0 .drains }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "calltally.name" . }}
  labels:
    {{- include "calltally.labels" . | nindent 4 }}
spec:
  {{- if not .isScaled }}
  replicas: {{ $values.replicas }}
  {{- end }}
  # One more, and none less: the new process is ready before an old one is asked to end.
  strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
  selector:
    matchLabels:
      {{- include "calltally.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "calltally.labels" . | nindent 8 }}
      {{- with .root.Values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "calltally.pod" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ add $drain .ends }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "calltally.selector" $ | nindent 14 }}
        {{- end }}
      initContainers:
        # A wrong setting shows up here, with all its faults, before any running process is replaced.
        - name: check-config
          image: {{ include "calltally.image" . }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          command: [node, services/{{ .service }}/dist/main.js, --check-config]
          env:
            {{- include "calltally.env" . | trim | nindent 12 }}
          securityContext:
            {{- include "calltally.containerSecurity" . | nindent 12 }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          {{- with include "calltally.mounts" . | trim }}
          volumeMounts:
            {{- . | nindent 12 }}
          {{- end }}
      containers:
        - name: {{ .service }}
          image: {{ include "calltally.image" . }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          env:
            {{- include "calltally.env" . | trim | nindent 12 }}
          ports:
            {{- if ne .service "ingest" }}
            - { name: http, containerPort: 3000 }
            {{- end }}
            - { name: management, containerPort: 9000 }
          startupProbe: { httpGet: { path: /healthz, port: management }, periodSeconds: 2, failureThreshold: 30 }
          livenessProbe: { httpGet: { path: /healthz, port: management }, periodSeconds: 10, timeoutSeconds: 5 }
          readinessProbe: { httpGet: { path: /readyz, port: management }, periodSeconds: 2, timeoutSeconds: 2 }
          securityContext:
            {{- include "calltally.containerSecurity" . | nindent 12 }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          {{- with include "calltally.mounts" . | trim }}
          volumeMounts:
            {{- . | nindent 12 }}
          {{- end }}
{{- end }}

{{- define "calltally.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "calltally.name" . }}
  labels:
    {{- include "calltally.labels" . | nindent 4 }}
spec:
  selector:
    {{- include "calltally.selector" . | nindent 4 }}
  ports:
    - { name: http, port: {{ (index .root.Values .service).service.port }}, targetPort: http }
{{- end }}

{{- /* One process may be away at a time, while nodes are emptied. */ -}}
{{- define "calltally.disruptions" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "calltally.name" . }}
  labels:
    {{- include "calltally.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "calltally.selector" . | nindent 6 }}
{{- end }}

{{- define "calltally.autoscaler" -}}
{{- $values := index .root.Values .service }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "calltally.name" . }}
  labels:
    {{- include "calltally.labels" . | nindent 4 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ include "calltally.name" . }} }
  minReplicas: {{ $values.replicas }}
  maxReplicas: {{ $values.maxReplicas }}
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } }
{{- end }}

{{- /* Clients reach `http`, whoever monitors `management`, nobody else anything. */ -}}
{{- define "calltally.network" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "calltally.name" . }}
  labels:
    {{- include "calltally.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "calltally.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    {{- if ne .service "ingest" }}
    - ports: [{ port: http }]
      {{- with .root.Values.networkPolicy.clients }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
    - ports: [{ port: management }]
      from:
        {{- .root.Values.networkPolicy.monitoring | default (list (dict "podSelector" dict)) | toYaml | nindent 8 }}
{{- end }}
