// @ts-nocheck
/** Generated from src/spec/schema.json by scripts/generate-spec.ts: do not edit. */
import { add, addAll, type Validator } from './validator.ts'
"use strict";
const validSpec = validate21;
const schema6 = {"$schema":"http://json-schema.org/draft-07/schema#","title":"Spec","type":"object","required":["ociVersion"],"properties":{"ociVersion":{"type":"string"},"root":{"$ref":"#/definitions/Root"},"mounts":{"type":"array","items":{"$ref":"#/definitions/Mount"}},"process":{"$ref":"#/definitions/Process"},"hostname":{"type":"string"},"domainname":{"type":"string"},"hooks":{"$ref":"#/definitions/Hooks"},"annotations":{"type":"object","additionalProperties":{"type":"string"}},"linux":{"$ref":"#/definitions/Linux"},"vm":{"type":"object"},"windows":{"type":"object"},"solaris":{"type":"object"},"zos":{"type":"object"},"freebsd":{"type":"object"}},"definitions":{"uint16":{"type":"integer","minimum":0,"maximum":65535},"int32":{"type":"integer","minimum":-2147483648,"maximum":2147483647},"uint32":{"type":"integer","minimum":0,"maximum":4294967295},"int64":{"type":"integer","minimum":-9223372036854776000,"maximum":9223372036854776000},"uint64":{"type":"integer","minimum":0,"maximum":18446744073709552000},"Root":{"type":"object","required":["path"],"properties":{"path":{"type":"string"},"readonly":{"type":"boolean"}}},"Mount":{"type":"object","required":["destination"],"properties":{"destination":{"type":"string"},"type":{"type":"string"},"source":{"type":"string"},"options":{"type":"array","items":{"type":"string"}},"uidMappings":{"type":"array","items":{"$ref":"#/definitions/IdMapping"}},"gidMappings":{"type":"array","items":{"$ref":"#/definitions/IdMapping"}}}},"Process":{"type":"object","required":["cwd"],"properties":{"terminal":{"type":"boolean"},"consoleSize":{"$ref":"#/definitions/ConsoleSize"},"cwd":{"type":"string"},"env":{"type":"array","items":{"type":"string"}},"args":{"type":"array","items":{"type":"string"}},"commandLine":{"type":"string"},"user":{"$ref":"#/definitions/User"},"rlimits":{"type":"array","items":{"$ref":"#/definitions/Rlimit"}},"capabilities":{"$ref":"#/definitions/Capabilities"},"noNewPrivileges":{"type":"boolean"},"oomScoreAdj":{"type":"integer","minimum":-1000,"maximum":1000},"apparmorProfile":{"type":"string"},"selinuxLabel":{"type":"string"},"scheduler":{"$ref":"#/definitions/Scheduler"},"ioPriority":{"$ref":"#/definitions/IoPriority"},"execCPUAffinity":{"$ref":"#/definitions/ExecCpuAffinity"}}},"ConsoleSize":{"type":"object","required":["height","width"],"properties":{"height":{"$ref":"#/definitions/uint16"},"width":{"$ref":"#/definitions/uint16"}}},"User":{"type":"object","required":["uid","gid"],"properties":{"uid":{"$ref":"#/definitions/uint32"},"gid":{"$ref":"#/definitions/uint32"},"umask":{"$ref":"#/definitions/uint32"},"additionalGids":{"type":"array","items":{"$ref":"#/definitions/uint32"}},"username":{"type":"string"}}},"Rlimit":{"type":"object","required":["type","soft","hard"],"properties":{"type":{"type":"string"},"soft":{"$ref":"#/definitions/uint64"},"hard":{"$ref":"#/definitions/uint64"}}},"Capabilities":{"type":"object","properties":{"effective":{"type":"array","items":{"type":"string"}},"bounding":{"type":"array","items":{"type":"string"}},"inheritable":{"type":"array","items":{"type":"string"}},"permitted":{"type":"array","items":{"type":"string"}},"ambient":{"type":"array","items":{"type":"string"}}}},"Scheduler":{"type":"object","required":["policy"],"properties":{"policy":{"type":"string","enum":["SCHED_OTHER","SCHED_FIFO","SCHED_RR","SCHED_BATCH","SCHED_ISO","SCHED_IDLE","SCHED_DEADLINE"]},"nice":{"$ref":"#/definitions/int32"},"priority":{"$ref":"#/definitions/int32"},"flags":{"type":"array","items":{"type":"string","enum":["SCHED_FLAG_RESET_ON_FORK","SCHED_FLAG_RECLAIM","SCHED_FLAG_DL_OVERRUN","SCHED_FLAG_KEEP_POLICY","SCHED_FLAG_KEEP_PARAMS","SCHED_FLAG_UTIL_CLAMP_MIN","SCHED_FLAG_UTIL_CLAMP_MAX"]}},"runtime":{"$ref":"#/definitions/uint64"},"deadline":{"$ref":"#/definitions/uint64"},"period":{"$ref":"#/definitions/uint64"}}},"IoPriority":{"type":"object","required":["class"],"properties":{"class":{"type":"string","enum":["IOPRIO_CLASS_RT","IOPRIO_CLASS_BE","IOPRIO_CLASS_IDLE"]},"priority":{"$ref":"#/definitions/int32"}}},"ExecCpuAffinity":{"type":"object","properties":{"initial":{"type":"string"},"final":{"type":"string"}}},"Hooks":{"type":"object","properties":{"prestart":{"type":"array","items":{"$ref":"#/definitions/Hook"}},"createRuntime":{"type":"array","items":{"$ref":"#/definitions/Hook"}},"createContainer":{"type":"array","items":{"$ref":"#/definitions/Hook"}},"startContainer":{"type":"array","items":{"$ref":"#/definitions/Hook"}},"poststart":{"type":"array","items":{"$ref":"#/definitions/Hook"}},"poststop":{"type":"array","items":{"$ref":"#/definitions/Hook"}}}},"Hook":{"type":"object","required":["path"],"properties":{"path":{"type":"string"},"args":{"type":"array","items":{"type":"string"}},"env":{"type":"array","items":{"type":"string"}},"timeout":{"type":"integer","minimum":1,"maximum":2147483647}}},"Linux":{"type":"object","properties":{"namespaces":{"type":"array","items":{"$ref":"#/definitions/Namespace"}},"uidMappings":{"type":"array","items":{"$ref":"#/definitions/IdMapping"}},"gidMappings":{"type":"array","items":{"$ref":"#/definitions/IdMapping"}},"timeOffsets":{"type":"object","additionalProperties":{"$ref":"#/definitions/TimeOffset"}},"devices":{"type":"array","items":{"$ref":"#/definitions/Device"}},"netDevices":{"type":"object","additionalProperties":{"$ref":"#/definitions/NetDevice"}},"cgroupsPath":{"type":"string"},"resources":{"$ref":"#/definitions/Resources"},"intelRdt":{"$ref":"#/definitions/IntelRdt"},"memoryPolicy":{"$ref":"#/definitions/MemoryPolicy"},"sysctl":{"type":"object","additionalProperties":{"type":"string"}},"seccomp":{"$ref":"#/definitions/Seccomp"},"rootfsPropagation":{"type":"string","enum":["private","rprivate","slave","rslave","shared","rshared","unbindable","runbindable"]},"maskedPaths":{"type":"array","items":{"type":"string"}},"readonlyPaths":{"type":"array","items":{"type":"string"}},"mountLabel":{"type":"string"},"personality":{"$ref":"#/definitions/Personality"}}},"Namespace":{"type":"object","required":["type"],"properties":{"type":{"title":"NamespaceType","type":"string","enum":["pid","network","mount","ipc","uts","user","cgroup","time"]},"path":{"type":"string"}}},"IdMapping":{"type":"object","required":["containerID","hostID","size"],"properties":{"containerID":{"$ref":"#/definitions/uint32"},"hostID":{"$ref":"#/definitions/uint32"},"size":{"$ref":"#/definitions/uint32"}}},"TimeOffset":{"type":"object","properties":{"secs":{"$ref":"#/definitions/int64"},"nanosecs":{"$ref":"#/definitions/uint32"}}},"Device":{"type":"object","required":["type","path"],"properties":{"type":{"type":"string","enum":["c","b","u","p"]},"path":{"type":"string"},"major":{"$ref":"#/definitions/int64"},"minor":{"$ref":"#/definitions/int64"},"fileMode":{"$ref":"#/definitions/uint32"},"uid":{"$ref":"#/definitions/uint32"},"gid":{"$ref":"#/definitions/uint32"}}},"NetDevice":{"type":"object","properties":{"name":{"type":"string"}}},"Resources":{"type":"object","properties":{"devices":{"type":"array","items":{"$ref":"#/definitions/DeviceRule"}},"memory":{"$ref":"#/definitions/Memory"},"cpu":{"$ref":"#/definitions/Cpu"},"pids":{"$ref":"#/definitions/Pids"},"blockIO":{"$ref":"#/definitions/BlockIo"},"hugepageLimits":{"type":"array","items":{"$ref":"#/definitions/HugepageLimit"}},"network":{"$ref":"#/definitions/NetworkClass"},"rdma":{"type":"object","additionalProperties":{"$ref":"#/definitions/Rdma"}},"unified":{"type":"object","additionalProperties":{"type":"string"}}}},"DeviceRule":{"type":"object","required":["allow"],"properties":{"allow":{"type":"boolean"},"type":{"type":"string"},"major":{"$ref":"#/definitions/int64"},"minor":{"$ref":"#/definitions/int64"},"access":{"type":"string"}}},"Memory":{"type":"object","properties":{"limit":{"$ref":"#/definitions/int64"},"reservation":{"$ref":"#/definitions/int64"},"swap":{"$ref":"#/definitions/int64"},"kernel":{"$ref":"#/definitions/int64"},"kernelTCP":{"$ref":"#/definitions/int64"},"swappiness":{"$ref":"#/definitions/uint64"},"disableOOMKiller":{"type":"boolean"},"useHierarchy":{"type":"boolean"},"checkBeforeUpdate":{"type":"boolean"}}},"Cpu":{"type":"object","properties":{"shares":{"$ref":"#/definitions/uint64"},"quota":{"$ref":"#/definitions/int64"},"burst":{"$ref":"#/definitions/uint64"},"period":{"$ref":"#/definitions/uint64"},"realtimeRuntime":{"$ref":"#/definitions/int64"},"realtimePeriod":{"$ref":"#/definitions/uint64"},"cpus":{"type":"string"},"mems":{"type":"string"},"idle":{"$ref":"#/definitions/int64"}}},"Pids":{"type":"object","properties":{"limit":{"$ref":"#/definitions/int64"}}},"BlockIo":{"type":"object","properties":{"weight":{"$ref":"#/definitions/uint16"},"leafWeight":{"$ref":"#/definitions/uint16"},"weightDevice":{"type":"array","items":{"$ref":"#/definitions/WeightDevice"}},"throttleReadBpsDevice":{"type":"array","items":{"$ref":"#/definitions/ThrottleDevice"}},"throttleWriteBpsDevice":{"type":"array","items":{"$ref":"#/definitions/ThrottleDevice"}},"throttleReadIOPSDevice":{"type":"array","items":{"$ref":"#/definitions/ThrottleDevice"}},"throttleWriteIOPSDevice":{"type":"array","items":{"$ref":"#/definitions/ThrottleDevice"}}}},"WeightDevice":{"type":"object","required":["major","minor"],"properties":{"major":{"$ref":"#/definitions/int64"},"minor":{"$ref":"#/definitions/int64"},"weight":{"$ref":"#/definitions/uint16"},"leafWeight":{"$ref":"#/definitions/uint16"}}},"ThrottleDevice":{"type":"object","required":["major","minor","rate"],"properties":{"major":{"$ref":"#/definitions/int64"},"minor":{"$ref":"#/definitions/int64"},"rate":{"$ref":"#/definitions/uint64"}}},"HugepageLimit":{"type":"object","required":["pageSize","limit"],"properties":{"pageSize":{"type":"string"},"limit":{"$ref":"#/definitions/uint64"}}},"NetworkClass":{"type":"object","properties":{"classID":{"$ref":"#/definitions/uint32"},"priorities":{"type":"array","items":{"$ref":"#/definitions/InterfacePriority"}}}},"InterfacePriority":{"type":"object","required":["name","priority"],"properties":{"name":{"type":"string"},"priority":{"$ref":"#/definitions/uint32"}}},"Rdma":{"type":"object","properties":{"hcaHandles":{"$ref":"#/definitions/uint32"},"hcaObjects":{"$ref":"#/definitions/uint32"}}},"IntelRdt":{"type":"object","properties":{"closID":{"type":"string"},"schemata":{"type":"array","items":{"type":"string"}},"l3CacheSchema":{"type":"string"},"memBwSchema":{"type":"string"},"enableMonitoring":{"type":"boolean"},"enableCMT":{"type":"boolean"},"enableMBM":{"type":"boolean"}}},"MemoryPolicy":{"type":"object","required":["mode"],"properties":{"mode":{"type":"string","enum":["MPOL_DEFAULT","MPOL_BIND","MPOL_INTERLEAVE","MPOL_WEIGHTED_INTERLEAVE","MPOL_PREFERRED","MPOL_PREFERRED_MANY","MPOL_LOCAL"]},"nodes":{"type":"string"},"flags":{"type":"array","items":{"type":"string","enum":["MPOL_F_NUMA_BALANCING","MPOL_F_RELATIVE_NODES","MPOL_F_STATIC_NODES"]}}}},"Personality":{"type":"object","required":["domain"],"properties":{"domain":{"type":"string","enum":["LINUX","LINUX32"]},"flags":{"type":"array","items":{"type":"string"}}}},"Seccomp":{"type":"object","required":["defaultAction"],"properties":{"defaultAction":{"$ref":"#/definitions/SeccompAction"},"defaultErrnoRet":{"$ref":"#/definitions/uint32"},"architectures":{"type":"array","items":{"$ref":"#/definitions/SeccompArchitecture"}},"flags":{"type":"array","items":{"type":"string","enum":["SECCOMP_FILTER_FLAG_TSYNC","SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW","SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}},"listenerPath":{"type":"string"},"listenerMetadata":{"type":"string"},"syscalls":{"type":"array","items":{"$ref":"#/definitions/SeccompRule"}}}},"SeccompAction":{"type":"string","enum":["SCMP_ACT_KILL","SCMP_ACT_KILL_PROCESS","SCMP_ACT_KILL_THREAD","SCMP_ACT_TRAP","SCMP_ACT_ERRNO","SCMP_ACT_TRACE","SCMP_ACT_ALLOW","SCMP_ACT_LOG","SCMP_ACT_NOTIFY"]},"SeccompArchitecture":{"type":"string","enum":["SCMP_ARCH_X86","SCMP_ARCH_X86_64","SCMP_ARCH_X32","SCMP_ARCH_ARM","SCMP_ARCH_AARCH64","SCMP_ARCH_LOONGARCH64","SCMP_ARCH_M68K","SCMP_ARCH_MIPS","SCMP_ARCH_MIPS64","SCMP_ARCH_MIPS64N32","SCMP_ARCH_MIPSEL","SCMP_ARCH_MIPSEL64","SCMP_ARCH_MIPSEL64N32","SCMP_ARCH_PPC","SCMP_ARCH_PPC64","SCMP_ARCH_PPC64LE","SCMP_ARCH_S390","SCMP_ARCH_S390X","SCMP_ARCH_PARISC","SCMP_ARCH_PARISC64","SCMP_ARCH_RISCV64","SCMP_ARCH_SH","SCMP_ARCH_SHEB"]},"SeccompRule":{"type":"object","required":["names","action"],"properties":{"names":{"type":"array","items":{"type":"string"}},"action":{"$ref":"#/definitions/SeccompAction"},"errnoRet":{"$ref":"#/definitions/uint32"},"args":{"type":"array","items":{"$ref":"#/definitions/SeccompArgument"}}}},"SeccompArgument":{"type":"object","required":["index","value","op"],"properties":{"index":{"$ref":"#/definitions/uint32"},"value":{"$ref":"#/definitions/uint64"},"valueTwo":{"$ref":"#/definitions/uint64"},"op":{"type":"string","enum":["SCMP_CMP_NE","SCMP_CMP_LT","SCMP_CMP_LE","SCMP_CMP_EQ","SCMP_CMP_GE","SCMP_CMP_GT","SCMP_CMP_MASKED_EQ"]}}}}};
const schema7 = {"type":"object","required":["path"],"properties":{"path":{"type":"string"},"readonly":{"type":"boolean"}}};
function validate22(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.path === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "path"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.path !== undefined){
if(typeof data.path !== "string"){
const err1 = {instancePath:instancePath+"/path",schemaPath:"#/properties/path/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.readonly !== undefined){
if(typeof data.readonly !== "boolean"){
const err2 = {instancePath:instancePath+"/readonly",schemaPath:"#/properties/readonly/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err2);
errors++;
}
}
}
else {
const err3 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err3);
errors++;
}
validate22.errors = vErrors;
return errors === 0;
}
const schema8 = {"type":"object","required":["destination"],"properties":{"destination":{"type":"string"},"type":{"type":"string"},"source":{"type":"string"},"options":{"type":"array","items":{"type":"string"}},"uidMappings":{"type":"array","items":{"$ref":"#/definitions/IdMapping"}},"gidMappings":{"type":"array","items":{"$ref":"#/definitions/IdMapping"}}}};
const schema9 = {"type":"object","required":["containerID","hostID","size"],"properties":{"containerID":{"$ref":"#/definitions/uint32"},"hostID":{"$ref":"#/definitions/uint32"},"size":{"$ref":"#/definitions/uint32"}}};
const schema10 = {"type":"integer","minimum":0,"maximum":4294967295};
function validate26(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(!(((typeof data == "number") && (!(data % 1) && !isNaN(data))) && (isFinite(data)))){
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "integer"}};
vErrors = add(vErrors, err0);
errors++;
}
if((typeof data == "number") && (isFinite(data))){
if(data > 4294967295 || isNaN(data)){
const err1 = {instancePath,schemaPath:"#/maximum",keyword:"maximum",params:{comparison: "<=", limit: 4294967295}};
vErrors = add(vErrors, err1);
errors++;
}
if(data < 0 || isNaN(data)){
const err2 = {instancePath,schemaPath:"#/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}};
vErrors = add(vErrors, err2);
errors++;
}
}
validate26.errors = vErrors;
return errors === 0;
}
function validate25(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.containerID === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "containerID"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.hostID === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "hostID"}};
vErrors = add(vErrors, err1);
errors++;
}
if(data.size === undefined){
const err2 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "size"}};
vErrors = add(vErrors, err2);
errors++;
}
if(data.containerID !== undefined){
if(!(validate26(data.containerID, {instancePath:instancePath+"/containerID",parentData:data,parentDataProperty:"containerID",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.hostID !== undefined){
if(!(validate26(data.hostID, {instancePath:instancePath+"/hostID",parentData:data,parentDataProperty:"hostID",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.size !== undefined){
if(!(validate26(data.size, {instancePath:instancePath+"/size",parentData:data,parentDataProperty:"size",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
}
else {
const err3 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err3);
errors++;
}
validate25.errors = vErrors;
return errors === 0;
}
function validate24(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.destination === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "destination"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.destination !== undefined){
if(typeof data.destination !== "string"){
const err1 = {instancePath:instancePath+"/destination",schemaPath:"#/properties/destination/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.type !== undefined){
if(typeof data.type !== "string"){
const err2 = {instancePath:instancePath+"/type",schemaPath:"#/properties/type/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.source !== undefined){
if(typeof data.source !== "string"){
const err3 = {instancePath:instancePath+"/source",schemaPath:"#/properties/source/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.options !== undefined){
let data3 = data.options;
if(Array.isArray(data3)){
const len0 = data3.length;
for(let i0=0; i0<len0; i0++){
if(typeof data3[i0] !== "string"){
const err4 = {instancePath:instancePath+"/options/" + i0,schemaPath:"#/properties/options/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err4);
errors++;
}
}
}
else {
const err5 = {instancePath:instancePath+"/options",schemaPath:"#/properties/options/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err5);
errors++;
}
}
if(data.uidMappings !== undefined){
let data5 = data.uidMappings;
if(Array.isArray(data5)){
const len1 = data5.length;
for(let i1=0; i1<len1; i1++){
if(!(validate25(data5[i1], {instancePath:instancePath+"/uidMappings/" + i1,parentData:data5,parentDataProperty:i1,rootData}))){
vErrors = addAll(vErrors, validate25.errors);
errors = vErrors.length;
}
}
}
else {
const err6 = {instancePath:instancePath+"/uidMappings",schemaPath:"#/properties/uidMappings/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err6);
errors++;
}
}
if(data.gidMappings !== undefined){
let data7 = data.gidMappings;
if(Array.isArray(data7)){
const len2 = data7.length;
for(let i2=0; i2<len2; i2++){
if(!(validate25(data7[i2], {instancePath:instancePath+"/gidMappings/" + i2,parentData:data7,parentDataProperty:i2,rootData}))){
vErrors = addAll(vErrors, validate25.errors);
errors = vErrors.length;
}
}
}
else {
const err7 = {instancePath:instancePath+"/gidMappings",schemaPath:"#/properties/gidMappings/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err7);
errors++;
}
}
}
else {
const err8 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err8);
errors++;
}
validate24.errors = vErrors;
return errors === 0;
}
const schema11 = {"type":"object","required":["cwd"],"properties":{"terminal":{"type":"boolean"},"consoleSize":{"$ref":"#/definitions/ConsoleSize"},"cwd":{"type":"string"},"env":{"type":"array","items":{"type":"string"}},"args":{"type":"array","items":{"type":"string"}},"commandLine":{"type":"string"},"user":{"$ref":"#/definitions/User"},"rlimits":{"type":"array","items":{"$ref":"#/definitions/Rlimit"}},"capabilities":{"$ref":"#/definitions/Capabilities"},"noNewPrivileges":{"type":"boolean"},"oomScoreAdj":{"type":"integer","minimum":-1000,"maximum":1000},"apparmorProfile":{"type":"string"},"selinuxLabel":{"type":"string"},"scheduler":{"$ref":"#/definitions/Scheduler"},"ioPriority":{"$ref":"#/definitions/IoPriority"},"execCPUAffinity":{"$ref":"#/definitions/ExecCpuAffinity"}}};
const schema12 = {"type":"object","required":["height","width"],"properties":{"height":{"$ref":"#/definitions/uint16"},"width":{"$ref":"#/definitions/uint16"}}};
const schema13 = {"type":"integer","minimum":0,"maximum":65535};
function validate35(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(!(((typeof data == "number") && (!(data % 1) && !isNaN(data))) && (isFinite(data)))){
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "integer"}};
vErrors = add(vErrors, err0);
errors++;
}
if((typeof data == "number") && (isFinite(data))){
if(data > 65535 || isNaN(data)){
const err1 = {instancePath,schemaPath:"#/maximum",keyword:"maximum",params:{comparison: "<=", limit: 65535}};
vErrors = add(vErrors, err1);
errors++;
}
if(data < 0 || isNaN(data)){
const err2 = {instancePath,schemaPath:"#/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}};
vErrors = add(vErrors, err2);
errors++;
}
}
validate35.errors = vErrors;
return errors === 0;
}
function validate34(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.height === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "height"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.width === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "width"}};
vErrors = add(vErrors, err1);
errors++;
}
if(data.height !== undefined){
if(!(validate35(data.height, {instancePath:instancePath+"/height",parentData:data,parentDataProperty:"height",rootData}))){
vErrors = addAll(vErrors, validate35.errors);
errors = vErrors.length;
}
}
if(data.width !== undefined){
if(!(validate35(data.width, {instancePath:instancePath+"/width",parentData:data,parentDataProperty:"width",rootData}))){
vErrors = addAll(vErrors, validate35.errors);
errors = vErrors.length;
}
}
}
else {
const err2 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err2);
errors++;
}
validate34.errors = vErrors;
return errors === 0;
}
const schema14 = {"type":"object","required":["uid","gid"],"properties":{"uid":{"$ref":"#/definitions/uint32"},"gid":{"$ref":"#/definitions/uint32"},"umask":{"$ref":"#/definitions/uint32"},"additionalGids":{"type":"array","items":{"$ref":"#/definitions/uint32"}},"username":{"type":"string"}}};
function validate39(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.uid === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "uid"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.gid === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "gid"}};
vErrors = add(vErrors, err1);
errors++;
}
if(data.uid !== undefined){
if(!(validate26(data.uid, {instancePath:instancePath+"/uid",parentData:data,parentDataProperty:"uid",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.gid !== undefined){
if(!(validate26(data.gid, {instancePath:instancePath+"/gid",parentData:data,parentDataProperty:"gid",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.umask !== undefined){
if(!(validate26(data.umask, {instancePath:instancePath+"/umask",parentData:data,parentDataProperty:"umask",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.additionalGids !== undefined){
let data3 = data.additionalGids;
if(Array.isArray(data3)){
const len0 = data3.length;
for(let i0=0; i0<len0; i0++){
if(!(validate26(data3[i0], {instancePath:instancePath+"/additionalGids/" + i0,parentData:data3,parentDataProperty:i0,rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
}
else {
const err2 = {instancePath:instancePath+"/additionalGids",schemaPath:"#/properties/additionalGids/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.username !== undefined){
if(typeof data.username !== "string"){
const err3 = {instancePath:instancePath+"/username",schemaPath:"#/properties/username/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
}
else {
const err4 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err4);
errors++;
}
validate39.errors = vErrors;
return errors === 0;
}
const schema15 = {"type":"object","required":["type","soft","hard"],"properties":{"type":{"type":"string"},"soft":{"$ref":"#/definitions/uint64"},"hard":{"$ref":"#/definitions/uint64"}}};
const schema16 = {"type":"integer","minimum":0,"maximum":18446744073709552000};
function validate46(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(!(((typeof data == "number") && (!(data % 1) && !isNaN(data))) && (isFinite(data)))){
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "integer"}};
vErrors = add(vErrors, err0);
errors++;
}
if((typeof data == "number") && (isFinite(data))){
if(data > 18446744073709552000 || isNaN(data)){
const err1 = {instancePath,schemaPath:"#/maximum",keyword:"maximum",params:{comparison: "<=", limit: 18446744073709552000}};
vErrors = add(vErrors, err1);
errors++;
}
if(data < 0 || isNaN(data)){
const err2 = {instancePath,schemaPath:"#/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0}};
vErrors = add(vErrors, err2);
errors++;
}
}
validate46.errors = vErrors;
return errors === 0;
}
function validate45(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.type === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "type"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.soft === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "soft"}};
vErrors = add(vErrors, err1);
errors++;
}
if(data.hard === undefined){
const err2 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "hard"}};
vErrors = add(vErrors, err2);
errors++;
}
if(data.type !== undefined){
if(typeof data.type !== "string"){
const err3 = {instancePath:instancePath+"/type",schemaPath:"#/properties/type/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.soft !== undefined){
if(!(validate46(data.soft, {instancePath:instancePath+"/soft",parentData:data,parentDataProperty:"soft",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
if(data.hard !== undefined){
if(!(validate46(data.hard, {instancePath:instancePath+"/hard",parentData:data,parentDataProperty:"hard",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
}
else {
const err4 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err4);
errors++;
}
validate45.errors = vErrors;
return errors === 0;
}
const schema17 = {"type":"object","properties":{"effective":{"type":"array","items":{"type":"string"}},"bounding":{"type":"array","items":{"type":"string"}},"inheritable":{"type":"array","items":{"type":"string"}},"permitted":{"type":"array","items":{"type":"string"}},"ambient":{"type":"array","items":{"type":"string"}}}};
function validate50(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.effective !== undefined){
let data0 = data.effective;
if(Array.isArray(data0)){
const len0 = data0.length;
for(let i0=0; i0<len0; i0++){
if(typeof data0[i0] !== "string"){
const err0 = {instancePath:instancePath+"/effective/" + i0,schemaPath:"#/properties/effective/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err0);
errors++;
}
}
}
else {
const err1 = {instancePath:instancePath+"/effective",schemaPath:"#/properties/effective/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.bounding !== undefined){
let data2 = data.bounding;
if(Array.isArray(data2)){
const len1 = data2.length;
for(let i1=0; i1<len1; i1++){
if(typeof data2[i1] !== "string"){
const err2 = {instancePath:instancePath+"/bounding/" + i1,schemaPath:"#/properties/bounding/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err2);
errors++;
}
}
}
else {
const err3 = {instancePath:instancePath+"/bounding",schemaPath:"#/properties/bounding/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.inheritable !== undefined){
let data4 = data.inheritable;
if(Array.isArray(data4)){
const len2 = data4.length;
for(let i2=0; i2<len2; i2++){
if(typeof data4[i2] !== "string"){
const err4 = {instancePath:instancePath+"/inheritable/" + i2,schemaPath:"#/properties/inheritable/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err4);
errors++;
}
}
}
else {
const err5 = {instancePath:instancePath+"/inheritable",schemaPath:"#/properties/inheritable/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err5);
errors++;
}
}
if(data.permitted !== undefined){
let data6 = data.permitted;
if(Array.isArray(data6)){
const len3 = data6.length;
for(let i3=0; i3<len3; i3++){
if(typeof data6[i3] !== "string"){
const err6 = {instancePath:instancePath+"/permitted/" + i3,schemaPath:"#/properties/permitted/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err6);
errors++;
}
}
}
else {
const err7 = {instancePath:instancePath+"/permitted",schemaPath:"#/properties/permitted/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err7);
errors++;
}
}
if(data.ambient !== undefined){
let data8 = data.ambient;
if(Array.isArray(data8)){
const len4 = data8.length;
for(let i4=0; i4<len4; i4++){
if(typeof data8[i4] !== "string"){
const err8 = {instancePath:instancePath+"/ambient/" + i4,schemaPath:"#/properties/ambient/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err8);
errors++;
}
}
}
else {
const err9 = {instancePath:instancePath+"/ambient",schemaPath:"#/properties/ambient/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err9);
errors++;
}
}
}
else {
const err10 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err10);
errors++;
}
validate50.errors = vErrors;
return errors === 0;
}
const schema18 = {"type":"object","required":["policy"],"properties":{"policy":{"type":"string","enum":["SCHED_OTHER","SCHED_FIFO","SCHED_RR","SCHED_BATCH","SCHED_ISO","SCHED_IDLE","SCHED_DEADLINE"]},"nice":{"$ref":"#/definitions/int32"},"priority":{"$ref":"#/definitions/int32"},"flags":{"type":"array","items":{"type":"string","enum":["SCHED_FLAG_RESET_ON_FORK","SCHED_FLAG_RECLAIM","SCHED_FLAG_DL_OVERRUN","SCHED_FLAG_KEEP_POLICY","SCHED_FLAG_KEEP_PARAMS","SCHED_FLAG_UTIL_CLAMP_MIN","SCHED_FLAG_UTIL_CLAMP_MAX"]}},"runtime":{"$ref":"#/definitions/uint64"},"deadline":{"$ref":"#/definitions/uint64"},"period":{"$ref":"#/definitions/uint64"}}};
const schema19 = {"type":"integer","minimum":-2147483648,"maximum":2147483647};
function validate53(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(!(((typeof data == "number") && (!(data % 1) && !isNaN(data))) && (isFinite(data)))){
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "integer"}};
vErrors = add(vErrors, err0);
errors++;
}
if((typeof data == "number") && (isFinite(data))){
if(data > 2147483647 || isNaN(data)){
const err1 = {instancePath,schemaPath:"#/maximum",keyword:"maximum",params:{comparison: "<=", limit: 2147483647}};
vErrors = add(vErrors, err1);
errors++;
}
if(data < -2147483648 || isNaN(data)){
const err2 = {instancePath,schemaPath:"#/minimum",keyword:"minimum",params:{comparison: ">=", limit: -2147483648}};
vErrors = add(vErrors, err2);
errors++;
}
}
validate53.errors = vErrors;
return errors === 0;
}
function validate52(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.policy === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "policy"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.policy !== undefined){
let data0 = data.policy;
if(typeof data0 !== "string"){
const err1 = {instancePath:instancePath+"/policy",schemaPath:"#/properties/policy/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
if(!(((((((data0 === "SCHED_OTHER") || (data0 === "SCHED_FIFO")) || (data0 === "SCHED_RR")) || (data0 === "SCHED_BATCH")) || (data0 === "SCHED_ISO")) || (data0 === "SCHED_IDLE")) || (data0 === "SCHED_DEADLINE"))){
const err2 = {instancePath:instancePath+"/policy",schemaPath:"#/properties/policy/enum",keyword:"enum",params:{allowedValues: schema18.properties.policy.enum}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.nice !== undefined){
if(!(validate53(data.nice, {instancePath:instancePath+"/nice",parentData:data,parentDataProperty:"nice",rootData}))){
vErrors = addAll(vErrors, validate53.errors);
errors = vErrors.length;
}
}
if(data.priority !== undefined){
if(!(validate53(data.priority, {instancePath:instancePath+"/priority",parentData:data,parentDataProperty:"priority",rootData}))){
vErrors = addAll(vErrors, validate53.errors);
errors = vErrors.length;
}
}
if(data.flags !== undefined){
let data3 = data.flags;
if(Array.isArray(data3)){
const len0 = data3.length;
for(let i0=0; i0<len0; i0++){
let data4 = data3[i0];
if(typeof data4 !== "string"){
const err3 = {instancePath:instancePath+"/flags/" + i0,schemaPath:"#/properties/flags/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
if(!(((((((data4 === "SCHED_FLAG_RESET_ON_FORK") || (data4 === "SCHED_FLAG_RECLAIM")) || (data4 === "SCHED_FLAG_DL_OVERRUN")) || (data4 === "SCHED_FLAG_KEEP_POLICY")) || (data4 === "SCHED_FLAG_KEEP_PARAMS")) || (data4 === "SCHED_FLAG_UTIL_CLAMP_MIN")) || (data4 === "SCHED_FLAG_UTIL_CLAMP_MAX"))){
const err4 = {instancePath:instancePath+"/flags/" + i0,schemaPath:"#/properties/flags/items/enum",keyword:"enum",params:{allowedValues: schema18.properties.flags.items.enum}};
vErrors = add(vErrors, err4);
errors++;
}
}
}
else {
const err5 = {instancePath:instancePath+"/flags",schemaPath:"#/properties/flags/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err5);
errors++;
}
}
if(data.runtime !== undefined){
if(!(validate46(data.runtime, {instancePath:instancePath+"/runtime",parentData:data,parentDataProperty:"runtime",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
if(data.deadline !== undefined){
if(!(validate46(data.deadline, {instancePath:instancePath+"/deadline",parentData:data,parentDataProperty:"deadline",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
if(data.period !== undefined){
if(!(validate46(data.period, {instancePath:instancePath+"/period",parentData:data,parentDataProperty:"period",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
}
else {
const err6 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err6);
errors++;
}
validate52.errors = vErrors;
return errors === 0;
}
const schema20 = {"type":"object","required":["class"],"properties":{"class":{"type":"string","enum":["IOPRIO_CLASS_RT","IOPRIO_CLASS_BE","IOPRIO_CLASS_IDLE"]},"priority":{"$ref":"#/definitions/int32"}}};
function validate60(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.class === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "class"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.class !== undefined){
let data0 = data.class;
if(typeof data0 !== "string"){
const err1 = {instancePath:instancePath+"/class",schemaPath:"#/properties/class/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
if(!(((data0 === "IOPRIO_CLASS_RT") || (data0 === "IOPRIO_CLASS_BE")) || (data0 === "IOPRIO_CLASS_IDLE"))){
const err2 = {instancePath:instancePath+"/class",schemaPath:"#/properties/class/enum",keyword:"enum",params:{allowedValues: schema20.properties.class.enum}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.priority !== undefined){
if(!(validate53(data.priority, {instancePath:instancePath+"/priority",parentData:data,parentDataProperty:"priority",rootData}))){
vErrors = addAll(vErrors, validate53.errors);
errors = vErrors.length;
}
}
}
else {
const err3 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err3);
errors++;
}
validate60.errors = vErrors;
return errors === 0;
}
const schema21 = {"type":"object","properties":{"initial":{"type":"string"},"final":{"type":"string"}}};
function validate63(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.initial !== undefined){
if(typeof data.initial !== "string"){
const err0 = {instancePath:instancePath+"/initial",schemaPath:"#/properties/initial/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err0);
errors++;
}
}
if(data.final !== undefined){
if(typeof data.final !== "string"){
const err1 = {instancePath:instancePath+"/final",schemaPath:"#/properties/final/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
}
}
else {
const err2 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err2);
errors++;
}
validate63.errors = vErrors;
return errors === 0;
}
function validate33(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.cwd === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "cwd"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.terminal !== undefined){
if(typeof data.terminal !== "boolean"){
const err1 = {instancePath:instancePath+"/terminal",schemaPath:"#/properties/terminal/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.consoleSize !== undefined){
if(!(validate34(data.consoleSize, {instancePath:instancePath+"/consoleSize",parentData:data,parentDataProperty:"consoleSize",rootData}))){
vErrors = addAll(vErrors, validate34.errors);
errors = vErrors.length;
}
}
if(data.cwd !== undefined){
if(typeof data.cwd !== "string"){
const err2 = {instancePath:instancePath+"/cwd",schemaPath:"#/properties/cwd/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.env !== undefined){
let data3 = data.env;
if(Array.isArray(data3)){
const len0 = data3.length;
for(let i0=0; i0<len0; i0++){
if(typeof data3[i0] !== "string"){
const err3 = {instancePath:instancePath+"/env/" + i0,schemaPath:"#/properties/env/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
}
else {
const err4 = {instancePath:instancePath+"/env",schemaPath:"#/properties/env/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err4);
errors++;
}
}
if(data.args !== undefined){
let data5 = data.args;
if(Array.isArray(data5)){
const len1 = data5.length;
for(let i1=0; i1<len1; i1++){
if(typeof data5[i1] !== "string"){
const err5 = {instancePath:instancePath+"/args/" + i1,schemaPath:"#/properties/args/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err5);
errors++;
}
}
}
else {
const err6 = {instancePath:instancePath+"/args",schemaPath:"#/properties/args/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err6);
errors++;
}
}
if(data.commandLine !== undefined){
if(typeof data.commandLine !== "string"){
const err7 = {instancePath:instancePath+"/commandLine",schemaPath:"#/properties/commandLine/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err7);
errors++;
}
}
if(data.user !== undefined){
if(!(validate39(data.user, {instancePath:instancePath+"/user",parentData:data,parentDataProperty:"user",rootData}))){
vErrors = addAll(vErrors, validate39.errors);
errors = vErrors.length;
}
}
if(data.rlimits !== undefined){
let data9 = data.rlimits;
if(Array.isArray(data9)){
const len2 = data9.length;
for(let i2=0; i2<len2; i2++){
if(!(validate45(data9[i2], {instancePath:instancePath+"/rlimits/" + i2,parentData:data9,parentDataProperty:i2,rootData}))){
vErrors = addAll(vErrors, validate45.errors);
errors = vErrors.length;
}
}
}
else {
const err8 = {instancePath:instancePath+"/rlimits",schemaPath:"#/properties/rlimits/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err8);
errors++;
}
}
if(data.capabilities !== undefined){
if(!(validate50(data.capabilities, {instancePath:instancePath+"/capabilities",parentData:data,parentDataProperty:"capabilities",rootData}))){
vErrors = addAll(vErrors, validate50.errors);
errors = vErrors.length;
}
}
if(data.noNewPrivileges !== undefined){
if(typeof data.noNewPrivileges !== "boolean"){
const err9 = {instancePath:instancePath+"/noNewPrivileges",schemaPath:"#/properties/noNewPrivileges/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err9);
errors++;
}
}
if(data.oomScoreAdj !== undefined){
let data13 = data.oomScoreAdj;
if(!(((typeof data13 == "number") && (!(data13 % 1) && !isNaN(data13))) && (isFinite(data13)))){
const err10 = {instancePath:instancePath+"/oomScoreAdj",schemaPath:"#/properties/oomScoreAdj/type",keyword:"type",params:{type: "integer"}};
vErrors = add(vErrors, err10);
errors++;
}
if((typeof data13 == "number") && (isFinite(data13))){
if(data13 > 1000 || isNaN(data13)){
const err11 = {instancePath:instancePath+"/oomScoreAdj",schemaPath:"#/properties/oomScoreAdj/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1000}};
vErrors = add(vErrors, err11);
errors++;
}
if(data13 < -1000 || isNaN(data13)){
const err12 = {instancePath:instancePath+"/oomScoreAdj",schemaPath:"#/properties/oomScoreAdj/minimum",keyword:"minimum",params:{comparison: ">=", limit: -1000}};
vErrors = add(vErrors, err12);
errors++;
}
}
}
if(data.apparmorProfile !== undefined){
if(typeof data.apparmorProfile !== "string"){
const err13 = {instancePath:instancePath+"/apparmorProfile",schemaPath:"#/properties/apparmorProfile/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err13);
errors++;
}
}
if(data.selinuxLabel !== undefined){
if(typeof data.selinuxLabel !== "string"){
const err14 = {instancePath:instancePath+"/selinuxLabel",schemaPath:"#/properties/selinuxLabel/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err14);
errors++;
}
}
if(data.scheduler !== undefined){
if(!(validate52(data.scheduler, {instancePath:instancePath+"/scheduler",parentData:data,parentDataProperty:"scheduler",rootData}))){
vErrors = addAll(vErrors, validate52.errors);
errors = vErrors.length;
}
}
if(data.ioPriority !== undefined){
if(!(validate60(data.ioPriority, {instancePath:instancePath+"/ioPriority",parentData:data,parentDataProperty:"ioPriority",rootData}))){
vErrors = addAll(vErrors, validate60.errors);
errors = vErrors.length;
}
}
if(data.execCPUAffinity !== undefined){
if(!(validate63(data.execCPUAffinity, {instancePath:instancePath+"/execCPUAffinity",parentData:data,parentDataProperty:"execCPUAffinity",rootData}))){
vErrors = addAll(vErrors, validate63.errors);
errors = vErrors.length;
}
}
}
else {
const err15 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err15);
errors++;
}
validate33.errors = vErrors;
return errors === 0;
}
const schema22 = {"type":"object","properties":{"prestart":{"type":"array","items":{"$ref":"#/definitions/Hook"}},"createRuntime":{"type":"array","items":{"$ref":"#/definitions/Hook"}},"createContainer":{"type":"array","items":{"$ref":"#/definitions/Hook"}},"startContainer":{"type":"array","items":{"$ref":"#/definitions/Hook"}},"poststart":{"type":"array","items":{"$ref":"#/definitions/Hook"}},"poststop":{"type":"array","items":{"$ref":"#/definitions/Hook"}}}};
const schema23 = {"type":"object","required":["path"],"properties":{"path":{"type":"string"},"args":{"type":"array","items":{"type":"string"}},"env":{"type":"array","items":{"type":"string"}},"timeout":{"type":"integer","minimum":1,"maximum":2147483647}}};
function validate67(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.path === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "path"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.path !== undefined){
if(typeof data.path !== "string"){
const err1 = {instancePath:instancePath+"/path",schemaPath:"#/properties/path/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.args !== undefined){
let data1 = data.args;
if(Array.isArray(data1)){
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
if(typeof data1[i0] !== "string"){
const err2 = {instancePath:instancePath+"/args/" + i0,schemaPath:"#/properties/args/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err2);
errors++;
}
}
}
else {
const err3 = {instancePath:instancePath+"/args",schemaPath:"#/properties/args/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.env !== undefined){
let data3 = data.env;
if(Array.isArray(data3)){
const len1 = data3.length;
for(let i1=0; i1<len1; i1++){
if(typeof data3[i1] !== "string"){
const err4 = {instancePath:instancePath+"/env/" + i1,schemaPath:"#/properties/env/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err4);
errors++;
}
}
}
else {
const err5 = {instancePath:instancePath+"/env",schemaPath:"#/properties/env/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err5);
errors++;
}
}
if(data.timeout !== undefined){
let data5 = data.timeout;
if(!(((typeof data5 == "number") && (!(data5 % 1) && !isNaN(data5))) && (isFinite(data5)))){
const err6 = {instancePath:instancePath+"/timeout",schemaPath:"#/properties/timeout/type",keyword:"type",params:{type: "integer"}};
vErrors = add(vErrors, err6);
errors++;
}
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 > 2147483647 || isNaN(data5)){
const err7 = {instancePath:instancePath+"/timeout",schemaPath:"#/properties/timeout/maximum",keyword:"maximum",params:{comparison: "<=", limit: 2147483647}};
vErrors = add(vErrors, err7);
errors++;
}
if(data5 < 1 || isNaN(data5)){
const err8 = {instancePath:instancePath+"/timeout",schemaPath:"#/properties/timeout/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1}};
vErrors = add(vErrors, err8);
errors++;
}
}
}
}
else {
const err9 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err9);
errors++;
}
validate67.errors = vErrors;
return errors === 0;
}
function validate66(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.prestart !== undefined){
let data0 = data.prestart;
if(Array.isArray(data0)){
const len0 = data0.length;
for(let i0=0; i0<len0; i0++){
if(!(validate67(data0[i0], {instancePath:instancePath+"/prestart/" + i0,parentData:data0,parentDataProperty:i0,rootData}))){
vErrors = addAll(vErrors, validate67.errors);
errors = vErrors.length;
}
}
}
else {
const err0 = {instancePath:instancePath+"/prestart",schemaPath:"#/properties/prestart/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err0);
errors++;
}
}
if(data.createRuntime !== undefined){
let data2 = data.createRuntime;
if(Array.isArray(data2)){
const len1 = data2.length;
for(let i1=0; i1<len1; i1++){
if(!(validate67(data2[i1], {instancePath:instancePath+"/createRuntime/" + i1,parentData:data2,parentDataProperty:i1,rootData}))){
vErrors = addAll(vErrors, validate67.errors);
errors = vErrors.length;
}
}
}
else {
const err1 = {instancePath:instancePath+"/createRuntime",schemaPath:"#/properties/createRuntime/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.createContainer !== undefined){
let data4 = data.createContainer;
if(Array.isArray(data4)){
const len2 = data4.length;
for(let i2=0; i2<len2; i2++){
if(!(validate67(data4[i2], {instancePath:instancePath+"/createContainer/" + i2,parentData:data4,parentDataProperty:i2,rootData}))){
vErrors = addAll(vErrors, validate67.errors);
errors = vErrors.length;
}
}
}
else {
const err2 = {instancePath:instancePath+"/createContainer",schemaPath:"#/properties/createContainer/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.startContainer !== undefined){
let data6 = data.startContainer;
if(Array.isArray(data6)){
const len3 = data6.length;
for(let i3=0; i3<len3; i3++){
if(!(validate67(data6[i3], {instancePath:instancePath+"/startContainer/" + i3,parentData:data6,parentDataProperty:i3,rootData}))){
vErrors = addAll(vErrors, validate67.errors);
errors = vErrors.length;
}
}
}
else {
const err3 = {instancePath:instancePath+"/startContainer",schemaPath:"#/properties/startContainer/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.poststart !== undefined){
let data8 = data.poststart;
if(Array.isArray(data8)){
const len4 = data8.length;
for(let i4=0; i4<len4; i4++){
if(!(validate67(data8[i4], {instancePath:instancePath+"/poststart/" + i4,parentData:data8,parentDataProperty:i4,rootData}))){
vErrors = addAll(vErrors, validate67.errors);
errors = vErrors.length;
}
}
}
else {
const err4 = {instancePath:instancePath+"/poststart",schemaPath:"#/properties/poststart/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err4);
errors++;
}
}
if(data.poststop !== undefined){
let data10 = data.poststop;
if(Array.isArray(data10)){
const len5 = data10.length;
for(let i5=0; i5<len5; i5++){
if(!(validate67(data10[i5], {instancePath:instancePath+"/poststop/" + i5,parentData:data10,parentDataProperty:i5,rootData}))){
vErrors = addAll(vErrors, validate67.errors);
errors = vErrors.length;
}
}
}
else {
const err5 = {instancePath:instancePath+"/poststop",schemaPath:"#/properties/poststop/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err5);
errors++;
}
}
}
else {
const err6 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err6);
errors++;
}
validate66.errors = vErrors;
return errors === 0;
}
const schema24 = {"type":"object","properties":{"namespaces":{"type":"array","items":{"$ref":"#/definitions/Namespace"}},"uidMappings":{"type":"array","items":{"$ref":"#/definitions/IdMapping"}},"gidMappings":{"type":"array","items":{"$ref":"#/definitions/IdMapping"}},"timeOffsets":{"type":"object","additionalProperties":{"$ref":"#/definitions/TimeOffset"}},"devices":{"type":"array","items":{"$ref":"#/definitions/Device"}},"netDevices":{"type":"object","additionalProperties":{"$ref":"#/definitions/NetDevice"}},"cgroupsPath":{"type":"string"},"resources":{"$ref":"#/definitions/Resources"},"intelRdt":{"$ref":"#/definitions/IntelRdt"},"memoryPolicy":{"$ref":"#/definitions/MemoryPolicy"},"sysctl":{"type":"object","additionalProperties":{"type":"string"}},"seccomp":{"$ref":"#/definitions/Seccomp"},"rootfsPropagation":{"type":"string","enum":["private","rprivate","slave","rslave","shared","rshared","unbindable","runbindable"]},"maskedPaths":{"type":"array","items":{"type":"string"}},"readonlyPaths":{"type":"array","items":{"type":"string"}},"mountLabel":{"type":"string"},"personality":{"$ref":"#/definitions/Personality"}}};
const schema25 = {"type":"object","required":["type"],"properties":{"type":{"title":"NamespaceType","type":"string","enum":["pid","network","mount","ipc","uts","user","cgroup","time"]},"path":{"type":"string"}}};
function validate76(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.type === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "type"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.type !== undefined){
let data0 = data.type;
if(typeof data0 !== "string"){
const err1 = {instancePath:instancePath+"/type",schemaPath:"#/properties/type/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
if(!((((((((data0 === "pid") || (data0 === "network")) || (data0 === "mount")) || (data0 === "ipc")) || (data0 === "uts")) || (data0 === "user")) || (data0 === "cgroup")) || (data0 === "time"))){
const err2 = {instancePath:instancePath+"/type",schemaPath:"#/properties/type/enum",keyword:"enum",params:{allowedValues: schema25.properties.type.enum}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.path !== undefined){
if(typeof data.path !== "string"){
const err3 = {instancePath:instancePath+"/path",schemaPath:"#/properties/path/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
}
else {
const err4 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err4);
errors++;
}
validate76.errors = vErrors;
return errors === 0;
}
const schema26 = {"type":"object","properties":{"secs":{"$ref":"#/definitions/int64"},"nanosecs":{"$ref":"#/definitions/uint32"}}};
const schema27 = {"type":"integer","minimum":-9223372036854776000,"maximum":9223372036854776000};
function validate81(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(!(((typeof data == "number") && (!(data % 1) && !isNaN(data))) && (isFinite(data)))){
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "integer"}};
vErrors = add(vErrors, err0);
errors++;
}
if((typeof data == "number") && (isFinite(data))){
if(data > 9223372036854776000 || isNaN(data)){
const err1 = {instancePath,schemaPath:"#/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9223372036854776000}};
vErrors = add(vErrors, err1);
errors++;
}
if(data < -9223372036854776000 || isNaN(data)){
const err2 = {instancePath,schemaPath:"#/minimum",keyword:"minimum",params:{comparison: ">=", limit: -9223372036854776000}};
vErrors = add(vErrors, err2);
errors++;
}
}
validate81.errors = vErrors;
return errors === 0;
}
function validate80(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.secs !== undefined){
if(!(validate81(data.secs, {instancePath:instancePath+"/secs",parentData:data,parentDataProperty:"secs",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.nanosecs !== undefined){
if(!(validate26(data.nanosecs, {instancePath:instancePath+"/nanosecs",parentData:data,parentDataProperty:"nanosecs",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
}
else {
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err0);
errors++;
}
validate80.errors = vErrors;
return errors === 0;
}
const schema28 = {"type":"object","required":["type","path"],"properties":{"type":{"type":"string","enum":["c","b","u","p"]},"path":{"type":"string"},"major":{"$ref":"#/definitions/int64"},"minor":{"$ref":"#/definitions/int64"},"fileMode":{"$ref":"#/definitions/uint32"},"uid":{"$ref":"#/definitions/uint32"},"gid":{"$ref":"#/definitions/uint32"}}};
function validate85(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.type === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "type"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.path === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "path"}};
vErrors = add(vErrors, err1);
errors++;
}
if(data.type !== undefined){
let data0 = data.type;
if(typeof data0 !== "string"){
const err2 = {instancePath:instancePath+"/type",schemaPath:"#/properties/type/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err2);
errors++;
}
if(!((((data0 === "c") || (data0 === "b")) || (data0 === "u")) || (data0 === "p"))){
const err3 = {instancePath:instancePath+"/type",schemaPath:"#/properties/type/enum",keyword:"enum",params:{allowedValues: schema28.properties.type.enum}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.path !== undefined){
if(typeof data.path !== "string"){
const err4 = {instancePath:instancePath+"/path",schemaPath:"#/properties/path/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err4);
errors++;
}
}
if(data.major !== undefined){
if(!(validate81(data.major, {instancePath:instancePath+"/major",parentData:data,parentDataProperty:"major",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.minor !== undefined){
if(!(validate81(data.minor, {instancePath:instancePath+"/minor",parentData:data,parentDataProperty:"minor",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.fileMode !== undefined){
if(!(validate26(data.fileMode, {instancePath:instancePath+"/fileMode",parentData:data,parentDataProperty:"fileMode",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.uid !== undefined){
if(!(validate26(data.uid, {instancePath:instancePath+"/uid",parentData:data,parentDataProperty:"uid",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.gid !== undefined){
if(!(validate26(data.gid, {instancePath:instancePath+"/gid",parentData:data,parentDataProperty:"gid",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
}
else {
const err5 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err5);
errors++;
}
validate85.errors = vErrors;
return errors === 0;
}
const schema29 = {"type":"object","properties":{"name":{"type":"string"}}};
function validate92(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.name !== undefined){
if(typeof data.name !== "string"){
const err0 = {instancePath:instancePath+"/name",schemaPath:"#/properties/name/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err0);
errors++;
}
}
}
else {
const err1 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err1);
errors++;
}
validate92.errors = vErrors;
return errors === 0;
}
const schema30 = {"type":"object","properties":{"devices":{"type":"array","items":{"$ref":"#/definitions/DeviceRule"}},"memory":{"$ref":"#/definitions/Memory"},"cpu":{"$ref":"#/definitions/Cpu"},"pids":{"$ref":"#/definitions/Pids"},"blockIO":{"$ref":"#/definitions/BlockIo"},"hugepageLimits":{"type":"array","items":{"$ref":"#/definitions/HugepageLimit"}},"network":{"$ref":"#/definitions/NetworkClass"},"rdma":{"type":"object","additionalProperties":{"$ref":"#/definitions/Rdma"}},"unified":{"type":"object","additionalProperties":{"type":"string"}}}};
const schema31 = {"type":"object","required":["allow"],"properties":{"allow":{"type":"boolean"},"type":{"type":"string"},"major":{"$ref":"#/definitions/int64"},"minor":{"$ref":"#/definitions/int64"},"access":{"type":"string"}}};
function validate95(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.allow === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "allow"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.allow !== undefined){
if(typeof data.allow !== "boolean"){
const err1 = {instancePath:instancePath+"/allow",schemaPath:"#/properties/allow/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.type !== undefined){
if(typeof data.type !== "string"){
const err2 = {instancePath:instancePath+"/type",schemaPath:"#/properties/type/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.major !== undefined){
if(!(validate81(data.major, {instancePath:instancePath+"/major",parentData:data,parentDataProperty:"major",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.minor !== undefined){
if(!(validate81(data.minor, {instancePath:instancePath+"/minor",parentData:data,parentDataProperty:"minor",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.access !== undefined){
if(typeof data.access !== "string"){
const err3 = {instancePath:instancePath+"/access",schemaPath:"#/properties/access/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
}
else {
const err4 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err4);
errors++;
}
validate95.errors = vErrors;
return errors === 0;
}
const schema32 = {"type":"object","properties":{"limit":{"$ref":"#/definitions/int64"},"reservation":{"$ref":"#/definitions/int64"},"swap":{"$ref":"#/definitions/int64"},"kernel":{"$ref":"#/definitions/int64"},"kernelTCP":{"$ref":"#/definitions/int64"},"swappiness":{"$ref":"#/definitions/uint64"},"disableOOMKiller":{"type":"boolean"},"useHierarchy":{"type":"boolean"},"checkBeforeUpdate":{"type":"boolean"}}};
function validate99(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.limit !== undefined){
if(!(validate81(data.limit, {instancePath:instancePath+"/limit",parentData:data,parentDataProperty:"limit",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.reservation !== undefined){
if(!(validate81(data.reservation, {instancePath:instancePath+"/reservation",parentData:data,parentDataProperty:"reservation",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.swap !== undefined){
if(!(validate81(data.swap, {instancePath:instancePath+"/swap",parentData:data,parentDataProperty:"swap",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.kernel !== undefined){
if(!(validate81(data.kernel, {instancePath:instancePath+"/kernel",parentData:data,parentDataProperty:"kernel",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.kernelTCP !== undefined){
if(!(validate81(data.kernelTCP, {instancePath:instancePath+"/kernelTCP",parentData:data,parentDataProperty:"kernelTCP",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.swappiness !== undefined){
if(!(validate46(data.swappiness, {instancePath:instancePath+"/swappiness",parentData:data,parentDataProperty:"swappiness",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
if(data.disableOOMKiller !== undefined){
if(typeof data.disableOOMKiller !== "boolean"){
const err0 = {instancePath:instancePath+"/disableOOMKiller",schemaPath:"#/properties/disableOOMKiller/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err0);
errors++;
}
}
if(data.useHierarchy !== undefined){
if(typeof data.useHierarchy !== "boolean"){
const err1 = {instancePath:instancePath+"/useHierarchy",schemaPath:"#/properties/useHierarchy/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.checkBeforeUpdate !== undefined){
if(typeof data.checkBeforeUpdate !== "boolean"){
const err2 = {instancePath:instancePath+"/checkBeforeUpdate",schemaPath:"#/properties/checkBeforeUpdate/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err2);
errors++;
}
}
}
else {
const err3 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err3);
errors++;
}
validate99.errors = vErrors;
return errors === 0;
}
const schema33 = {"type":"object","properties":{"shares":{"$ref":"#/definitions/uint64"},"quota":{"$ref":"#/definitions/int64"},"burst":{"$ref":"#/definitions/uint64"},"period":{"$ref":"#/definitions/uint64"},"realtimeRuntime":{"$ref":"#/definitions/int64"},"realtimePeriod":{"$ref":"#/definitions/uint64"},"cpus":{"type":"string"},"mems":{"type":"string"},"idle":{"$ref":"#/definitions/int64"}}};
function validate107(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.shares !== undefined){
if(!(validate46(data.shares, {instancePath:instancePath+"/shares",parentData:data,parentDataProperty:"shares",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
if(data.quota !== undefined){
if(!(validate81(data.quota, {instancePath:instancePath+"/quota",parentData:data,parentDataProperty:"quota",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.burst !== undefined){
if(!(validate46(data.burst, {instancePath:instancePath+"/burst",parentData:data,parentDataProperty:"burst",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
if(data.period !== undefined){
if(!(validate46(data.period, {instancePath:instancePath+"/period",parentData:data,parentDataProperty:"period",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
if(data.realtimeRuntime !== undefined){
if(!(validate81(data.realtimeRuntime, {instancePath:instancePath+"/realtimeRuntime",parentData:data,parentDataProperty:"realtimeRuntime",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.realtimePeriod !== undefined){
if(!(validate46(data.realtimePeriod, {instancePath:instancePath+"/realtimePeriod",parentData:data,parentDataProperty:"realtimePeriod",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
if(data.cpus !== undefined){
if(typeof data.cpus !== "string"){
const err0 = {instancePath:instancePath+"/cpus",schemaPath:"#/properties/cpus/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err0);
errors++;
}
}
if(data.mems !== undefined){
if(typeof data.mems !== "string"){
const err1 = {instancePath:instancePath+"/mems",schemaPath:"#/properties/mems/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.idle !== undefined){
if(!(validate81(data.idle, {instancePath:instancePath+"/idle",parentData:data,parentDataProperty:"idle",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
}
else {
const err2 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err2);
errors++;
}
validate107.errors = vErrors;
return errors === 0;
}
const schema34 = {"type":"object","properties":{"limit":{"$ref":"#/definitions/int64"}}};
function validate116(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.limit !== undefined){
if(!(validate81(data.limit, {instancePath:instancePath+"/limit",parentData:data,parentDataProperty:"limit",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
}
else {
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err0);
errors++;
}
validate116.errors = vErrors;
return errors === 0;
}
const schema35 = {"type":"object","properties":{"weight":{"$ref":"#/definitions/uint16"},"leafWeight":{"$ref":"#/definitions/uint16"},"weightDevice":{"type":"array","items":{"$ref":"#/definitions/WeightDevice"}},"throttleReadBpsDevice":{"type":"array","items":{"$ref":"#/definitions/ThrottleDevice"}},"throttleWriteBpsDevice":{"type":"array","items":{"$ref":"#/definitions/ThrottleDevice"}},"throttleReadIOPSDevice":{"type":"array","items":{"$ref":"#/definitions/ThrottleDevice"}},"throttleWriteIOPSDevice":{"type":"array","items":{"$ref":"#/definitions/ThrottleDevice"}}}};
const schema36 = {"type":"object","required":["major","minor"],"properties":{"major":{"$ref":"#/definitions/int64"},"minor":{"$ref":"#/definitions/int64"},"weight":{"$ref":"#/definitions/uint16"},"leafWeight":{"$ref":"#/definitions/uint16"}}};
function validate122(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.major === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "major"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.minor === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "minor"}};
vErrors = add(vErrors, err1);
errors++;
}
if(data.major !== undefined){
if(!(validate81(data.major, {instancePath:instancePath+"/major",parentData:data,parentDataProperty:"major",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.minor !== undefined){
if(!(validate81(data.minor, {instancePath:instancePath+"/minor",parentData:data,parentDataProperty:"minor",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.weight !== undefined){
if(!(validate35(data.weight, {instancePath:instancePath+"/weight",parentData:data,parentDataProperty:"weight",rootData}))){
vErrors = addAll(vErrors, validate35.errors);
errors = vErrors.length;
}
}
if(data.leafWeight !== undefined){
if(!(validate35(data.leafWeight, {instancePath:instancePath+"/leafWeight",parentData:data,parentDataProperty:"leafWeight",rootData}))){
vErrors = addAll(vErrors, validate35.errors);
errors = vErrors.length;
}
}
}
else {
const err2 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err2);
errors++;
}
validate122.errors = vErrors;
return errors === 0;
}
const schema37 = {"type":"object","required":["major","minor","rate"],"properties":{"major":{"$ref":"#/definitions/int64"},"minor":{"$ref":"#/definitions/int64"},"rate":{"$ref":"#/definitions/uint64"}}};
function validate128(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.major === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "major"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.minor === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "minor"}};
vErrors = add(vErrors, err1);
errors++;
}
if(data.rate === undefined){
const err2 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "rate"}};
vErrors = add(vErrors, err2);
errors++;
}
if(data.major !== undefined){
if(!(validate81(data.major, {instancePath:instancePath+"/major",parentData:data,parentDataProperty:"major",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.minor !== undefined){
if(!(validate81(data.minor, {instancePath:instancePath+"/minor",parentData:data,parentDataProperty:"minor",rootData}))){
vErrors = addAll(vErrors, validate81.errors);
errors = vErrors.length;
}
}
if(data.rate !== undefined){
if(!(validate46(data.rate, {instancePath:instancePath+"/rate",parentData:data,parentDataProperty:"rate",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
}
else {
const err3 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err3);
errors++;
}
validate128.errors = vErrors;
return errors === 0;
}
function validate119(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.weight !== undefined){
if(!(validate35(data.weight, {instancePath:instancePath+"/weight",parentData:data,parentDataProperty:"weight",rootData}))){
vErrors = addAll(vErrors, validate35.errors);
errors = vErrors.length;
}
}
if(data.leafWeight !== undefined){
if(!(validate35(data.leafWeight, {instancePath:instancePath+"/leafWeight",parentData:data,parentDataProperty:"leafWeight",rootData}))){
vErrors = addAll(vErrors, validate35.errors);
errors = vErrors.length;
}
}
if(data.weightDevice !== undefined){
let data2 = data.weightDevice;
if(Array.isArray(data2)){
const len0 = data2.length;
for(let i0=0; i0<len0; i0++){
if(!(validate122(data2[i0], {instancePath:instancePath+"/weightDevice/" + i0,parentData:data2,parentDataProperty:i0,rootData}))){
vErrors = addAll(vErrors, validate122.errors);
errors = vErrors.length;
}
}
}
else {
const err0 = {instancePath:instancePath+"/weightDevice",schemaPath:"#/properties/weightDevice/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err0);
errors++;
}
}
if(data.throttleReadBpsDevice !== undefined){
let data4 = data.throttleReadBpsDevice;
if(Array.isArray(data4)){
const len1 = data4.length;
for(let i1=0; i1<len1; i1++){
if(!(validate128(data4[i1], {instancePath:instancePath+"/throttleReadBpsDevice/" + i1,parentData:data4,parentDataProperty:i1,rootData}))){
vErrors = addAll(vErrors, validate128.errors);
errors = vErrors.length;
}
}
}
else {
const err1 = {instancePath:instancePath+"/throttleReadBpsDevice",schemaPath:"#/properties/throttleReadBpsDevice/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.throttleWriteBpsDevice !== undefined){
let data6 = data.throttleWriteBpsDevice;
if(Array.isArray(data6)){
const len2 = data6.length;
for(let i2=0; i2<len2; i2++){
if(!(validate128(data6[i2], {instancePath:instancePath+"/throttleWriteBpsDevice/" + i2,parentData:data6,parentDataProperty:i2,rootData}))){
vErrors = addAll(vErrors, validate128.errors);
errors = vErrors.length;
}
}
}
else {
const err2 = {instancePath:instancePath+"/throttleWriteBpsDevice",schemaPath:"#/properties/throttleWriteBpsDevice/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.throttleReadIOPSDevice !== undefined){
let data8 = data.throttleReadIOPSDevice;
if(Array.isArray(data8)){
const len3 = data8.length;
for(let i3=0; i3<len3; i3++){
if(!(validate128(data8[i3], {instancePath:instancePath+"/throttleReadIOPSDevice/" + i3,parentData:data8,parentDataProperty:i3,rootData}))){
vErrors = addAll(vErrors, validate128.errors);
errors = vErrors.length;
}
}
}
else {
const err3 = {instancePath:instancePath+"/throttleReadIOPSDevice",schemaPath:"#/properties/throttleReadIOPSDevice/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.throttleWriteIOPSDevice !== undefined){
let data10 = data.throttleWriteIOPSDevice;
if(Array.isArray(data10)){
const len4 = data10.length;
for(let i4=0; i4<len4; i4++){
if(!(validate128(data10[i4], {instancePath:instancePath+"/throttleWriteIOPSDevice/" + i4,parentData:data10,parentDataProperty:i4,rootData}))){
vErrors = addAll(vErrors, validate128.errors);
errors = vErrors.length;
}
}
}
else {
const err4 = {instancePath:instancePath+"/throttleWriteIOPSDevice",schemaPath:"#/properties/throttleWriteIOPSDevice/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err4);
errors++;
}
}
}
else {
const err5 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err5);
errors++;
}
validate119.errors = vErrors;
return errors === 0;
}
const schema38 = {"type":"object","required":["pageSize","limit"],"properties":{"pageSize":{"type":"string"},"limit":{"$ref":"#/definitions/uint64"}}};
function validate137(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.pageSize === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "pageSize"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.limit === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "limit"}};
vErrors = add(vErrors, err1);
errors++;
}
if(data.pageSize !== undefined){
if(typeof data.pageSize !== "string"){
const err2 = {instancePath:instancePath+"/pageSize",schemaPath:"#/properties/pageSize/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.limit !== undefined){
if(!(validate46(data.limit, {instancePath:instancePath+"/limit",parentData:data,parentDataProperty:"limit",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
}
else {
const err3 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err3);
errors++;
}
validate137.errors = vErrors;
return errors === 0;
}
const schema39 = {"type":"object","properties":{"classID":{"$ref":"#/definitions/uint32"},"priorities":{"type":"array","items":{"$ref":"#/definitions/InterfacePriority"}}}};
const schema40 = {"type":"object","required":["name","priority"],"properties":{"name":{"type":"string"},"priority":{"$ref":"#/definitions/uint32"}}};
function validate142(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.name === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "name"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.priority === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "priority"}};
vErrors = add(vErrors, err1);
errors++;
}
if(data.name !== undefined){
if(typeof data.name !== "string"){
const err2 = {instancePath:instancePath+"/name",schemaPath:"#/properties/name/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.priority !== undefined){
if(!(validate26(data.priority, {instancePath:instancePath+"/priority",parentData:data,parentDataProperty:"priority",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
}
else {
const err3 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err3);
errors++;
}
validate142.errors = vErrors;
return errors === 0;
}
function validate140(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.classID !== undefined){
if(!(validate26(data.classID, {instancePath:instancePath+"/classID",parentData:data,parentDataProperty:"classID",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.priorities !== undefined){
let data1 = data.priorities;
if(Array.isArray(data1)){
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
if(!(validate142(data1[i0], {instancePath:instancePath+"/priorities/" + i0,parentData:data1,parentDataProperty:i0,rootData}))){
vErrors = addAll(vErrors, validate142.errors);
errors = vErrors.length;
}
}
}
else {
const err0 = {instancePath:instancePath+"/priorities",schemaPath:"#/properties/priorities/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err0);
errors++;
}
}
}
else {
const err1 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err1);
errors++;
}
validate140.errors = vErrors;
return errors === 0;
}
const schema41 = {"type":"object","properties":{"hcaHandles":{"$ref":"#/definitions/uint32"},"hcaObjects":{"$ref":"#/definitions/uint32"}}};
function validate146(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.hcaHandles !== undefined){
if(!(validate26(data.hcaHandles, {instancePath:instancePath+"/hcaHandles",parentData:data,parentDataProperty:"hcaHandles",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.hcaObjects !== undefined){
if(!(validate26(data.hcaObjects, {instancePath:instancePath+"/hcaObjects",parentData:data,parentDataProperty:"hcaObjects",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
}
else {
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err0);
errors++;
}
validate146.errors = vErrors;
return errors === 0;
}
function validate94(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.devices !== undefined){
let data0 = data.devices;
if(Array.isArray(data0)){
const len0 = data0.length;
for(let i0=0; i0<len0; i0++){
if(!(validate95(data0[i0], {instancePath:instancePath+"/devices/" + i0,parentData:data0,parentDataProperty:i0,rootData}))){
vErrors = addAll(vErrors, validate95.errors);
errors = vErrors.length;
}
}
}
else {
const err0 = {instancePath:instancePath+"/devices",schemaPath:"#/properties/devices/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err0);
errors++;
}
}
if(data.memory !== undefined){
if(!(validate99(data.memory, {instancePath:instancePath+"/memory",parentData:data,parentDataProperty:"memory",rootData}))){
vErrors = addAll(vErrors, validate99.errors);
errors = vErrors.length;
}
}
if(data.cpu !== undefined){
if(!(validate107(data.cpu, {instancePath:instancePath+"/cpu",parentData:data,parentDataProperty:"cpu",rootData}))){
vErrors = addAll(vErrors, validate107.errors);
errors = vErrors.length;
}
}
if(data.pids !== undefined){
if(!(validate116(data.pids, {instancePath:instancePath+"/pids",parentData:data,parentDataProperty:"pids",rootData}))){
vErrors = addAll(vErrors, validate116.errors);
errors = vErrors.length;
}
}
if(data.blockIO !== undefined){
if(!(validate119(data.blockIO, {instancePath:instancePath+"/blockIO",parentData:data,parentDataProperty:"blockIO",rootData}))){
vErrors = addAll(vErrors, validate119.errors);
errors = vErrors.length;
}
}
if(data.hugepageLimits !== undefined){
let data6 = data.hugepageLimits;
if(Array.isArray(data6)){
const len1 = data6.length;
for(let i1=0; i1<len1; i1++){
if(!(validate137(data6[i1], {instancePath:instancePath+"/hugepageLimits/" + i1,parentData:data6,parentDataProperty:i1,rootData}))){
vErrors = addAll(vErrors, validate137.errors);
errors = vErrors.length;
}
}
}
else {
const err1 = {instancePath:instancePath+"/hugepageLimits",schemaPath:"#/properties/hugepageLimits/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.network !== undefined){
if(!(validate140(data.network, {instancePath:instancePath+"/network",parentData:data,parentDataProperty:"network",rootData}))){
vErrors = addAll(vErrors, validate140.errors);
errors = vErrors.length;
}
}
if(data.rdma !== undefined){
let data9 = data.rdma;
if(data9 && typeof data9 == "object" && !Array.isArray(data9)){
for(const key0 in data9){
if(!(validate146(data9[key0], {instancePath:instancePath+"/rdma/" + key0.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data9,parentDataProperty:key0,rootData}))){
vErrors = addAll(vErrors, validate146.errors);
errors = vErrors.length;
}
}
}
else {
const err2 = {instancePath:instancePath+"/rdma",schemaPath:"#/properties/rdma/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.unified !== undefined){
let data11 = data.unified;
if(data11 && typeof data11 == "object" && !Array.isArray(data11)){
for(const key1 in data11){
if(typeof data11[key1] !== "string"){
const err3 = {instancePath:instancePath+"/unified/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/unified/additionalProperties/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
}
else {
const err4 = {instancePath:instancePath+"/unified",schemaPath:"#/properties/unified/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err4);
errors++;
}
}
}
else {
const err5 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err5);
errors++;
}
validate94.errors = vErrors;
return errors === 0;
}
const schema42 = {"type":"object","properties":{"closID":{"type":"string"},"schemata":{"type":"array","items":{"type":"string"}},"l3CacheSchema":{"type":"string"},"memBwSchema":{"type":"string"},"enableMonitoring":{"type":"boolean"},"enableCMT":{"type":"boolean"},"enableMBM":{"type":"boolean"}}};
function validate151(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.closID !== undefined){
if(typeof data.closID !== "string"){
const err0 = {instancePath:instancePath+"/closID",schemaPath:"#/properties/closID/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err0);
errors++;
}
}
if(data.schemata !== undefined){
let data1 = data.schemata;
if(Array.isArray(data1)){
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
if(typeof data1[i0] !== "string"){
const err1 = {instancePath:instancePath+"/schemata/" + i0,schemaPath:"#/properties/schemata/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
}
}
else {
const err2 = {instancePath:instancePath+"/schemata",schemaPath:"#/properties/schemata/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.l3CacheSchema !== undefined){
if(typeof data.l3CacheSchema !== "string"){
const err3 = {instancePath:instancePath+"/l3CacheSchema",schemaPath:"#/properties/l3CacheSchema/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.memBwSchema !== undefined){
if(typeof data.memBwSchema !== "string"){
const err4 = {instancePath:instancePath+"/memBwSchema",schemaPath:"#/properties/memBwSchema/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err4);
errors++;
}
}
if(data.enableMonitoring !== undefined){
if(typeof data.enableMonitoring !== "boolean"){
const err5 = {instancePath:instancePath+"/enableMonitoring",schemaPath:"#/properties/enableMonitoring/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err5);
errors++;
}
}
if(data.enableCMT !== undefined){
if(typeof data.enableCMT !== "boolean"){
const err6 = {instancePath:instancePath+"/enableCMT",schemaPath:"#/properties/enableCMT/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err6);
errors++;
}
}
if(data.enableMBM !== undefined){
if(typeof data.enableMBM !== "boolean"){
const err7 = {instancePath:instancePath+"/enableMBM",schemaPath:"#/properties/enableMBM/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err7);
errors++;
}
}
}
else {
const err8 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err8);
errors++;
}
validate151.errors = vErrors;
return errors === 0;
}
const schema43 = {"type":"object","required":["mode"],"properties":{"mode":{"type":"string","enum":["MPOL_DEFAULT","MPOL_BIND","MPOL_INTERLEAVE","MPOL_WEIGHTED_INTERLEAVE","MPOL_PREFERRED","MPOL_PREFERRED_MANY","MPOL_LOCAL"]},"nodes":{"type":"string"},"flags":{"type":"array","items":{"type":"string","enum":["MPOL_F_NUMA_BALANCING","MPOL_F_RELATIVE_NODES","MPOL_F_STATIC_NODES"]}}}};
function validate153(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.mode === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "mode"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.mode !== undefined){
let data0 = data.mode;
if(typeof data0 !== "string"){
const err1 = {instancePath:instancePath+"/mode",schemaPath:"#/properties/mode/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
if(!(((((((data0 === "MPOL_DEFAULT") || (data0 === "MPOL_BIND")) || (data0 === "MPOL_INTERLEAVE")) || (data0 === "MPOL_WEIGHTED_INTERLEAVE")) || (data0 === "MPOL_PREFERRED")) || (data0 === "MPOL_PREFERRED_MANY")) || (data0 === "MPOL_LOCAL"))){
const err2 = {instancePath:instancePath+"/mode",schemaPath:"#/properties/mode/enum",keyword:"enum",params:{allowedValues: schema43.properties.mode.enum}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.nodes !== undefined){
if(typeof data.nodes !== "string"){
const err3 = {instancePath:instancePath+"/nodes",schemaPath:"#/properties/nodes/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.flags !== undefined){
let data2 = data.flags;
if(Array.isArray(data2)){
const len0 = data2.length;
for(let i0=0; i0<len0; i0++){
let data3 = data2[i0];
if(typeof data3 !== "string"){
const err4 = {instancePath:instancePath+"/flags/" + i0,schemaPath:"#/properties/flags/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err4);
errors++;
}
if(!(((data3 === "MPOL_F_NUMA_BALANCING") || (data3 === "MPOL_F_RELATIVE_NODES")) || (data3 === "MPOL_F_STATIC_NODES"))){
const err5 = {instancePath:instancePath+"/flags/" + i0,schemaPath:"#/properties/flags/items/enum",keyword:"enum",params:{allowedValues: schema43.properties.flags.items.enum}};
vErrors = add(vErrors, err5);
errors++;
}
}
}
else {
const err6 = {instancePath:instancePath+"/flags",schemaPath:"#/properties/flags/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err6);
errors++;
}
}
}
else {
const err7 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err7);
errors++;
}
validate153.errors = vErrors;
return errors === 0;
}
const schema44 = {"type":"object","required":["defaultAction"],"properties":{"defaultAction":{"$ref":"#/definitions/SeccompAction"},"defaultErrnoRet":{"$ref":"#/definitions/uint32"},"architectures":{"type":"array","items":{"$ref":"#/definitions/SeccompArchitecture"}},"flags":{"type":"array","items":{"type":"string","enum":["SECCOMP_FILTER_FLAG_TSYNC","SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW","SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}},"listenerPath":{"type":"string"},"listenerMetadata":{"type":"string"},"syscalls":{"type":"array","items":{"$ref":"#/definitions/SeccompRule"}}}};
const schema45 = {"type":"string","enum":["SCMP_ACT_KILL","SCMP_ACT_KILL_PROCESS","SCMP_ACT_KILL_THREAD","SCMP_ACT_TRAP","SCMP_ACT_ERRNO","SCMP_ACT_TRACE","SCMP_ACT_ALLOW","SCMP_ACT_LOG","SCMP_ACT_NOTIFY"]};
function validate156(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(typeof data !== "string"){
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err0);
errors++;
}
if(!(((((((((data === "SCMP_ACT_KILL") || (data === "SCMP_ACT_KILL_PROCESS")) || (data === "SCMP_ACT_KILL_THREAD")) || (data === "SCMP_ACT_TRAP")) || (data === "SCMP_ACT_ERRNO")) || (data === "SCMP_ACT_TRACE")) || (data === "SCMP_ACT_ALLOW")) || (data === "SCMP_ACT_LOG")) || (data === "SCMP_ACT_NOTIFY"))){
const err1 = {instancePath,schemaPath:"#/enum",keyword:"enum",params:{allowedValues: schema45.enum}};
vErrors = add(vErrors, err1);
errors++;
}
validate156.errors = vErrors;
return errors === 0;
}
const schema46 = {"type":"string","enum":["SCMP_ARCH_X86","SCMP_ARCH_X86_64","SCMP_ARCH_X32","SCMP_ARCH_ARM","SCMP_ARCH_AARCH64","SCMP_ARCH_LOONGARCH64","SCMP_ARCH_M68K","SCMP_ARCH_MIPS","SCMP_ARCH_MIPS64","SCMP_ARCH_MIPS64N32","SCMP_ARCH_MIPSEL","SCMP_ARCH_MIPSEL64","SCMP_ARCH_MIPSEL64N32","SCMP_ARCH_PPC","SCMP_ARCH_PPC64","SCMP_ARCH_PPC64LE","SCMP_ARCH_S390","SCMP_ARCH_S390X","SCMP_ARCH_PARISC","SCMP_ARCH_PARISC64","SCMP_ARCH_RISCV64","SCMP_ARCH_SH","SCMP_ARCH_SHEB"]};
function validate159(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(typeof data !== "string"){
const err0 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err0);
errors++;
}
if(!(((((((((((((((((((((((data === "SCMP_ARCH_X86") || (data === "SCMP_ARCH_X86_64")) || (data === "SCMP_ARCH_X32")) || (data === "SCMP_ARCH_ARM")) || (data === "SCMP_ARCH_AARCH64")) || (data === "SCMP_ARCH_LOONGARCH64")) || (data === "SCMP_ARCH_M68K")) || (data === "SCMP_ARCH_MIPS")) || (data === "SCMP_ARCH_MIPS64")) || (data === "SCMP_ARCH_MIPS64N32")) || (data === "SCMP_ARCH_MIPSEL")) || (data === "SCMP_ARCH_MIPSEL64")) || (data === "SCMP_ARCH_MIPSEL64N32")) || (data === "SCMP_ARCH_PPC")) || (data === "SCMP_ARCH_PPC64")) || (data === "SCMP_ARCH_PPC64LE")) || (data === "SCMP_ARCH_S390")) || (data === "SCMP_ARCH_S390X")) || (data === "SCMP_ARCH_PARISC")) || (data === "SCMP_ARCH_PARISC64")) || (data === "SCMP_ARCH_RISCV64")) || (data === "SCMP_ARCH_SH")) || (data === "SCMP_ARCH_SHEB"))){
const err1 = {instancePath,schemaPath:"#/enum",keyword:"enum",params:{allowedValues: schema46.enum}};
vErrors = add(vErrors, err1);
errors++;
}
validate159.errors = vErrors;
return errors === 0;
}
const schema47 = {"type":"object","required":["names","action"],"properties":{"names":{"type":"array","items":{"type":"string"}},"action":{"$ref":"#/definitions/SeccompAction"},"errnoRet":{"$ref":"#/definitions/uint32"},"args":{"type":"array","items":{"$ref":"#/definitions/SeccompArgument"}}}};
const schema48 = {"type":"object","required":["index","value","op"],"properties":{"index":{"$ref":"#/definitions/uint32"},"value":{"$ref":"#/definitions/uint64"},"valueTwo":{"$ref":"#/definitions/uint64"},"op":{"type":"string","enum":["SCMP_CMP_NE","SCMP_CMP_LT","SCMP_CMP_LE","SCMP_CMP_EQ","SCMP_CMP_GE","SCMP_CMP_GT","SCMP_CMP_MASKED_EQ"]}}};
function validate164(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.index === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "index"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.value === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "value"}};
vErrors = add(vErrors, err1);
errors++;
}
if(data.op === undefined){
const err2 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "op"}};
vErrors = add(vErrors, err2);
errors++;
}
if(data.index !== undefined){
if(!(validate26(data.index, {instancePath:instancePath+"/index",parentData:data,parentDataProperty:"index",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.value !== undefined){
if(!(validate46(data.value, {instancePath:instancePath+"/value",parentData:data,parentDataProperty:"value",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
if(data.valueTwo !== undefined){
if(!(validate46(data.valueTwo, {instancePath:instancePath+"/valueTwo",parentData:data,parentDataProperty:"valueTwo",rootData}))){
vErrors = addAll(vErrors, validate46.errors);
errors = vErrors.length;
}
}
if(data.op !== undefined){
let data3 = data.op;
if(typeof data3 !== "string"){
const err3 = {instancePath:instancePath+"/op",schemaPath:"#/properties/op/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
if(!(((((((data3 === "SCMP_CMP_NE") || (data3 === "SCMP_CMP_LT")) || (data3 === "SCMP_CMP_LE")) || (data3 === "SCMP_CMP_EQ")) || (data3 === "SCMP_CMP_GE")) || (data3 === "SCMP_CMP_GT")) || (data3 === "SCMP_CMP_MASKED_EQ"))){
const err4 = {instancePath:instancePath+"/op",schemaPath:"#/properties/op/enum",keyword:"enum",params:{allowedValues: schema48.properties.op.enum}};
vErrors = add(vErrors, err4);
errors++;
}
}
}
else {
const err5 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err5);
errors++;
}
validate164.errors = vErrors;
return errors === 0;
}
function validate161(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.names === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "names"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.action === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "action"}};
vErrors = add(vErrors, err1);
errors++;
}
if(data.names !== undefined){
let data0 = data.names;
if(Array.isArray(data0)){
const len0 = data0.length;
for(let i0=0; i0<len0; i0++){
if(typeof data0[i0] !== "string"){
const err2 = {instancePath:instancePath+"/names/" + i0,schemaPath:"#/properties/names/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err2);
errors++;
}
}
}
else {
const err3 = {instancePath:instancePath+"/names",schemaPath:"#/properties/names/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.action !== undefined){
if(!(validate156(data.action, {instancePath:instancePath+"/action",parentData:data,parentDataProperty:"action",rootData}))){
vErrors = addAll(vErrors, validate156.errors);
errors = vErrors.length;
}
}
if(data.errnoRet !== undefined){
if(!(validate26(data.errnoRet, {instancePath:instancePath+"/errnoRet",parentData:data,parentDataProperty:"errnoRet",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.args !== undefined){
let data4 = data.args;
if(Array.isArray(data4)){
const len1 = data4.length;
for(let i1=0; i1<len1; i1++){
if(!(validate164(data4[i1], {instancePath:instancePath+"/args/" + i1,parentData:data4,parentDataProperty:i1,rootData}))){
vErrors = addAll(vErrors, validate164.errors);
errors = vErrors.length;
}
}
}
else {
const err4 = {instancePath:instancePath+"/args",schemaPath:"#/properties/args/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err4);
errors++;
}
}
}
else {
const err5 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err5);
errors++;
}
validate161.errors = vErrors;
return errors === 0;
}
function validate155(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.defaultAction === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "defaultAction"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.defaultAction !== undefined){
if(!(validate156(data.defaultAction, {instancePath:instancePath+"/defaultAction",parentData:data,parentDataProperty:"defaultAction",rootData}))){
vErrors = addAll(vErrors, validate156.errors);
errors = vErrors.length;
}
}
if(data.defaultErrnoRet !== undefined){
if(!(validate26(data.defaultErrnoRet, {instancePath:instancePath+"/defaultErrnoRet",parentData:data,parentDataProperty:"defaultErrnoRet",rootData}))){
vErrors = addAll(vErrors, validate26.errors);
errors = vErrors.length;
}
}
if(data.architectures !== undefined){
let data2 = data.architectures;
if(Array.isArray(data2)){
const len0 = data2.length;
for(let i0=0; i0<len0; i0++){
if(!(validate159(data2[i0], {instancePath:instancePath+"/architectures/" + i0,parentData:data2,parentDataProperty:i0,rootData}))){
vErrors = addAll(vErrors, validate159.errors);
errors = vErrors.length;
}
}
}
else {
const err1 = {instancePath:instancePath+"/architectures",schemaPath:"#/properties/architectures/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.flags !== undefined){
let data4 = data.flags;
if(Array.isArray(data4)){
const len1 = data4.length;
for(let i1=0; i1<len1; i1++){
let data5 = data4[i1];
if(typeof data5 !== "string"){
const err2 = {instancePath:instancePath+"/flags/" + i1,schemaPath:"#/properties/flags/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err2);
errors++;
}
if(!((((data5 === "SECCOMP_FILTER_FLAG_TSYNC") || (data5 === "SECCOMP_FILTER_FLAG_LOG")) || (data5 === "SECCOMP_FILTER_FLAG_SPEC_ALLOW")) || (data5 === "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"))){
const err3 = {instancePath:instancePath+"/flags/" + i1,schemaPath:"#/properties/flags/items/enum",keyword:"enum",params:{allowedValues: schema44.properties.flags.items.enum}};
vErrors = add(vErrors, err3);
errors++;
}
}
}
else {
const err4 = {instancePath:instancePath+"/flags",schemaPath:"#/properties/flags/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err4);
errors++;
}
}
if(data.listenerPath !== undefined){
if(typeof data.listenerPath !== "string"){
const err5 = {instancePath:instancePath+"/listenerPath",schemaPath:"#/properties/listenerPath/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err5);
errors++;
}
}
if(data.listenerMetadata !== undefined){
if(typeof data.listenerMetadata !== "string"){
const err6 = {instancePath:instancePath+"/listenerMetadata",schemaPath:"#/properties/listenerMetadata/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err6);
errors++;
}
}
if(data.syscalls !== undefined){
let data8 = data.syscalls;
if(Array.isArray(data8)){
const len2 = data8.length;
for(let i2=0; i2<len2; i2++){
if(!(validate161(data8[i2], {instancePath:instancePath+"/syscalls/" + i2,parentData:data8,parentDataProperty:i2,rootData}))){
vErrors = addAll(vErrors, validate161.errors);
errors = vErrors.length;
}
}
}
else {
const err7 = {instancePath:instancePath+"/syscalls",schemaPath:"#/properties/syscalls/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err7);
errors++;
}
}
}
else {
const err8 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err8);
errors++;
}
validate155.errors = vErrors;
return errors === 0;
}
const schema49 = {"type":"object","required":["domain"],"properties":{"domain":{"type":"string","enum":["LINUX","LINUX32"]},"flags":{"type":"array","items":{"type":"string"}}}};
function validate171(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.domain === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "domain"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.domain !== undefined){
let data0 = data.domain;
if(typeof data0 !== "string"){
const err1 = {instancePath:instancePath+"/domain",schemaPath:"#/properties/domain/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
if(!((data0 === "LINUX") || (data0 === "LINUX32"))){
const err2 = {instancePath:instancePath+"/domain",schemaPath:"#/properties/domain/enum",keyword:"enum",params:{allowedValues: schema49.properties.domain.enum}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.flags !== undefined){
let data1 = data.flags;
if(Array.isArray(data1)){
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
if(typeof data1[i0] !== "string"){
const err3 = {instancePath:instancePath+"/flags/" + i0,schemaPath:"#/properties/flags/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
}
else {
const err4 = {instancePath:instancePath+"/flags",schemaPath:"#/properties/flags/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err4);
errors++;
}
}
}
else {
const err5 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err5);
errors++;
}
validate171.errors = vErrors;
return errors === 0;
}
function validate75(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.namespaces !== undefined){
let data0 = data.namespaces;
if(Array.isArray(data0)){
const len0 = data0.length;
for(let i0=0; i0<len0; i0++){
if(!(validate76(data0[i0], {instancePath:instancePath+"/namespaces/" + i0,parentData:data0,parentDataProperty:i0,rootData}))){
vErrors = addAll(vErrors, validate76.errors);
errors = vErrors.length;
}
}
}
else {
const err0 = {instancePath:instancePath+"/namespaces",schemaPath:"#/properties/namespaces/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err0);
errors++;
}
}
if(data.uidMappings !== undefined){
let data2 = data.uidMappings;
if(Array.isArray(data2)){
const len1 = data2.length;
for(let i1=0; i1<len1; i1++){
if(!(validate25(data2[i1], {instancePath:instancePath+"/uidMappings/" + i1,parentData:data2,parentDataProperty:i1,rootData}))){
vErrors = addAll(vErrors, validate25.errors);
errors = vErrors.length;
}
}
}
else {
const err1 = {instancePath:instancePath+"/uidMappings",schemaPath:"#/properties/uidMappings/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.gidMappings !== undefined){
let data4 = data.gidMappings;
if(Array.isArray(data4)){
const len2 = data4.length;
for(let i2=0; i2<len2; i2++){
if(!(validate25(data4[i2], {instancePath:instancePath+"/gidMappings/" + i2,parentData:data4,parentDataProperty:i2,rootData}))){
vErrors = addAll(vErrors, validate25.errors);
errors = vErrors.length;
}
}
}
else {
const err2 = {instancePath:instancePath+"/gidMappings",schemaPath:"#/properties/gidMappings/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.timeOffsets !== undefined){
let data6 = data.timeOffsets;
if(data6 && typeof data6 == "object" && !Array.isArray(data6)){
for(const key0 in data6){
if(!(validate80(data6[key0], {instancePath:instancePath+"/timeOffsets/" + key0.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data6,parentDataProperty:key0,rootData}))){
vErrors = addAll(vErrors, validate80.errors);
errors = vErrors.length;
}
}
}
else {
const err3 = {instancePath:instancePath+"/timeOffsets",schemaPath:"#/properties/timeOffsets/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.devices !== undefined){
let data8 = data.devices;
if(Array.isArray(data8)){
const len3 = data8.length;
for(let i3=0; i3<len3; i3++){
if(!(validate85(data8[i3], {instancePath:instancePath+"/devices/" + i3,parentData:data8,parentDataProperty:i3,rootData}))){
vErrors = addAll(vErrors, validate85.errors);
errors = vErrors.length;
}
}
}
else {
const err4 = {instancePath:instancePath+"/devices",schemaPath:"#/properties/devices/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err4);
errors++;
}
}
if(data.netDevices !== undefined){
let data10 = data.netDevices;
if(data10 && typeof data10 == "object" && !Array.isArray(data10)){
for(const key1 in data10){
if(!(validate92(data10[key1], {instancePath:instancePath+"/netDevices/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),parentData:data10,parentDataProperty:key1,rootData}))){
vErrors = addAll(vErrors, validate92.errors);
errors = vErrors.length;
}
}
}
else {
const err5 = {instancePath:instancePath+"/netDevices",schemaPath:"#/properties/netDevices/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err5);
errors++;
}
}
if(data.cgroupsPath !== undefined){
if(typeof data.cgroupsPath !== "string"){
const err6 = {instancePath:instancePath+"/cgroupsPath",schemaPath:"#/properties/cgroupsPath/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err6);
errors++;
}
}
if(data.resources !== undefined){
if(!(validate94(data.resources, {instancePath:instancePath+"/resources",parentData:data,parentDataProperty:"resources",rootData}))){
vErrors = addAll(vErrors, validate94.errors);
errors = vErrors.length;
}
}
if(data.intelRdt !== undefined){
if(!(validate151(data.intelRdt, {instancePath:instancePath+"/intelRdt",parentData:data,parentDataProperty:"intelRdt",rootData}))){
vErrors = addAll(vErrors, validate151.errors);
errors = vErrors.length;
}
}
if(data.memoryPolicy !== undefined){
if(!(validate153(data.memoryPolicy, {instancePath:instancePath+"/memoryPolicy",parentData:data,parentDataProperty:"memoryPolicy",rootData}))){
vErrors = addAll(vErrors, validate153.errors);
errors = vErrors.length;
}
}
if(data.sysctl !== undefined){
let data16 = data.sysctl;
if(data16 && typeof data16 == "object" && !Array.isArray(data16)){
for(const key2 in data16){
if(typeof data16[key2] !== "string"){
const err7 = {instancePath:instancePath+"/sysctl/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/sysctl/additionalProperties/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err7);
errors++;
}
}
}
else {
const err8 = {instancePath:instancePath+"/sysctl",schemaPath:"#/properties/sysctl/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err8);
errors++;
}
}
if(data.seccomp !== undefined){
if(!(validate155(data.seccomp, {instancePath:instancePath+"/seccomp",parentData:data,parentDataProperty:"seccomp",rootData}))){
vErrors = addAll(vErrors, validate155.errors);
errors = vErrors.length;
}
}
if(data.rootfsPropagation !== undefined){
let data19 = data.rootfsPropagation;
if(typeof data19 !== "string"){
const err9 = {instancePath:instancePath+"/rootfsPropagation",schemaPath:"#/properties/rootfsPropagation/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err9);
errors++;
}
if(!((((((((data19 === "private") || (data19 === "rprivate")) || (data19 === "slave")) || (data19 === "rslave")) || (data19 === "shared")) || (data19 === "rshared")) || (data19 === "unbindable")) || (data19 === "runbindable"))){
const err10 = {instancePath:instancePath+"/rootfsPropagation",schemaPath:"#/properties/rootfsPropagation/enum",keyword:"enum",params:{allowedValues: schema24.properties.rootfsPropagation.enum}};
vErrors = add(vErrors, err10);
errors++;
}
}
if(data.maskedPaths !== undefined){
let data20 = data.maskedPaths;
if(Array.isArray(data20)){
const len4 = data20.length;
for(let i4=0; i4<len4; i4++){
if(typeof data20[i4] !== "string"){
const err11 = {instancePath:instancePath+"/maskedPaths/" + i4,schemaPath:"#/properties/maskedPaths/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err11);
errors++;
}
}
}
else {
const err12 = {instancePath:instancePath+"/maskedPaths",schemaPath:"#/properties/maskedPaths/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err12);
errors++;
}
}
if(data.readonlyPaths !== undefined){
let data22 = data.readonlyPaths;
if(Array.isArray(data22)){
const len5 = data22.length;
for(let i5=0; i5<len5; i5++){
if(typeof data22[i5] !== "string"){
const err13 = {instancePath:instancePath+"/readonlyPaths/" + i5,schemaPath:"#/properties/readonlyPaths/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err13);
errors++;
}
}
}
else {
const err14 = {instancePath:instancePath+"/readonlyPaths",schemaPath:"#/properties/readonlyPaths/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err14);
errors++;
}
}
if(data.mountLabel !== undefined){
if(typeof data.mountLabel !== "string"){
const err15 = {instancePath:instancePath+"/mountLabel",schemaPath:"#/properties/mountLabel/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err15);
errors++;
}
}
if(data.personality !== undefined){
if(!(validate171(data.personality, {instancePath:instancePath+"/personality",parentData:data,parentDataProperty:"personality",rootData}))){
vErrors = addAll(vErrors, validate171.errors);
errors = vErrors.length;
}
}
}
else {
const err16 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err16);
errors++;
}
validate75.errors = vErrors;
return errors === 0;
}
function validate21(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.ociVersion === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "ociVersion"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.ociVersion !== undefined){
if(typeof data.ociVersion !== "string"){
const err1 = {instancePath:instancePath+"/ociVersion",schemaPath:"#/properties/ociVersion/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.root !== undefined){
if(!(validate22(data.root, {instancePath:instancePath+"/root",parentData:data,parentDataProperty:"root",rootData}))){
vErrors = addAll(vErrors, validate22.errors);
errors = vErrors.length;
}
}
if(data.mounts !== undefined){
let data2 = data.mounts;
if(Array.isArray(data2)){
const len0 = data2.length;
for(let i0=0; i0<len0; i0++){
if(!(validate24(data2[i0], {instancePath:instancePath+"/mounts/" + i0,parentData:data2,parentDataProperty:i0,rootData}))){
vErrors = addAll(vErrors, validate24.errors);
errors = vErrors.length;
}
}
}
else {
const err2 = {instancePath:instancePath+"/mounts",schemaPath:"#/properties/mounts/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.process !== undefined){
if(!(validate33(data.process, {instancePath:instancePath+"/process",parentData:data,parentDataProperty:"process",rootData}))){
vErrors = addAll(vErrors, validate33.errors);
errors = vErrors.length;
}
}
if(data.hostname !== undefined){
if(typeof data.hostname !== "string"){
const err3 = {instancePath:instancePath+"/hostname",schemaPath:"#/properties/hostname/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
if(data.domainname !== undefined){
if(typeof data.domainname !== "string"){
const err4 = {instancePath:instancePath+"/domainname",schemaPath:"#/properties/domainname/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err4);
errors++;
}
}
if(data.hooks !== undefined){
if(!(validate66(data.hooks, {instancePath:instancePath+"/hooks",parentData:data,parentDataProperty:"hooks",rootData}))){
vErrors = addAll(vErrors, validate66.errors);
errors = vErrors.length;
}
}
if(data.annotations !== undefined){
let data8 = data.annotations;
if(data8 && typeof data8 == "object" && !Array.isArray(data8)){
for(const key0 in data8){
if(typeof data8[key0] !== "string"){
const err5 = {instancePath:instancePath+"/annotations/" + key0.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/annotations/additionalProperties/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err5);
errors++;
}
}
}
else {
const err6 = {instancePath:instancePath+"/annotations",schemaPath:"#/properties/annotations/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err6);
errors++;
}
}
if(data.linux !== undefined){
if(!(validate75(data.linux, {instancePath:instancePath+"/linux",parentData:data,parentDataProperty:"linux",rootData}))){
vErrors = addAll(vErrors, validate75.errors);
errors = vErrors.length;
}
}
if(data.vm !== undefined){
let data11 = data.vm;
if(!(data11 && typeof data11 == "object" && !Array.isArray(data11))){
const err7 = {instancePath:instancePath+"/vm",schemaPath:"#/properties/vm/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err7);
errors++;
}
}
if(data.windows !== undefined){
let data12 = data.windows;
if(!(data12 && typeof data12 == "object" && !Array.isArray(data12))){
const err8 = {instancePath:instancePath+"/windows",schemaPath:"#/properties/windows/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err8);
errors++;
}
}
if(data.solaris !== undefined){
let data13 = data.solaris;
if(!(data13 && typeof data13 == "object" && !Array.isArray(data13))){
const err9 = {instancePath:instancePath+"/solaris",schemaPath:"#/properties/solaris/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err9);
errors++;
}
}
if(data.zos !== undefined){
let data14 = data.zos;
if(!(data14 && typeof data14 == "object" && !Array.isArray(data14))){
const err10 = {instancePath:instancePath+"/zos",schemaPath:"#/properties/zos/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err10);
errors++;
}
}
if(data.freebsd !== undefined){
let data15 = data.freebsd;
if(!(data15 && typeof data15 == "object" && !Array.isArray(data15))){
const err11 = {instancePath:instancePath+"/freebsd",schemaPath:"#/properties/freebsd/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err11);
errors++;
}
}
}
else {
const err12 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err12);
errors++;
}
validate21.errors = vErrors;
return errors === 0;
}
const validProcess = validate174;
function validate174(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.cwd === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "cwd"}};
vErrors = add(vErrors, err0);
errors++;
}
if(data.terminal !== undefined){
if(typeof data.terminal !== "boolean"){
const err1 = {instancePath:instancePath+"/terminal",schemaPath:"#/properties/terminal/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err1);
errors++;
}
}
if(data.consoleSize !== undefined){
if(!(validate34(data.consoleSize, {instancePath:instancePath+"/consoleSize",parentData:data,parentDataProperty:"consoleSize",rootData}))){
vErrors = addAll(vErrors, validate34.errors);
errors = vErrors.length;
}
}
if(data.cwd !== undefined){
if(typeof data.cwd !== "string"){
const err2 = {instancePath:instancePath+"/cwd",schemaPath:"#/properties/cwd/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err2);
errors++;
}
}
if(data.env !== undefined){
let data3 = data.env;
if(Array.isArray(data3)){
const len0 = data3.length;
for(let i0=0; i0<len0; i0++){
if(typeof data3[i0] !== "string"){
const err3 = {instancePath:instancePath+"/env/" + i0,schemaPath:"#/properties/env/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err3);
errors++;
}
}
}
else {
const err4 = {instancePath:instancePath+"/env",schemaPath:"#/properties/env/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err4);
errors++;
}
}
if(data.args !== undefined){
let data5 = data.args;
if(Array.isArray(data5)){
const len1 = data5.length;
for(let i1=0; i1<len1; i1++){
if(typeof data5[i1] !== "string"){
const err5 = {instancePath:instancePath+"/args/" + i1,schemaPath:"#/properties/args/items/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err5);
errors++;
}
}
}
else {
const err6 = {instancePath:instancePath+"/args",schemaPath:"#/properties/args/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err6);
errors++;
}
}
if(data.commandLine !== undefined){
if(typeof data.commandLine !== "string"){
const err7 = {instancePath:instancePath+"/commandLine",schemaPath:"#/properties/commandLine/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err7);
errors++;
}
}
if(data.user !== undefined){
if(!(validate39(data.user, {instancePath:instancePath+"/user",parentData:data,parentDataProperty:"user",rootData}))){
vErrors = addAll(vErrors, validate39.errors);
errors = vErrors.length;
}
}
if(data.rlimits !== undefined){
let data9 = data.rlimits;
if(Array.isArray(data9)){
const len2 = data9.length;
for(let i2=0; i2<len2; i2++){
if(!(validate45(data9[i2], {instancePath:instancePath+"/rlimits/" + i2,parentData:data9,parentDataProperty:i2,rootData}))){
vErrors = addAll(vErrors, validate45.errors);
errors = vErrors.length;
}
}
}
else {
const err8 = {instancePath:instancePath+"/rlimits",schemaPath:"#/properties/rlimits/type",keyword:"type",params:{type: "array"}};
vErrors = add(vErrors, err8);
errors++;
}
}
if(data.capabilities !== undefined){
if(!(validate50(data.capabilities, {instancePath:instancePath+"/capabilities",parentData:data,parentDataProperty:"capabilities",rootData}))){
vErrors = addAll(vErrors, validate50.errors);
errors = vErrors.length;
}
}
if(data.noNewPrivileges !== undefined){
if(typeof data.noNewPrivileges !== "boolean"){
const err9 = {instancePath:instancePath+"/noNewPrivileges",schemaPath:"#/properties/noNewPrivileges/type",keyword:"type",params:{type: "boolean"}};
vErrors = add(vErrors, err9);
errors++;
}
}
if(data.oomScoreAdj !== undefined){
let data13 = data.oomScoreAdj;
if(!(((typeof data13 == "number") && (!(data13 % 1) && !isNaN(data13))) && (isFinite(data13)))){
const err10 = {instancePath:instancePath+"/oomScoreAdj",schemaPath:"#/properties/oomScoreAdj/type",keyword:"type",params:{type: "integer"}};
vErrors = add(vErrors, err10);
errors++;
}
if((typeof data13 == "number") && (isFinite(data13))){
if(data13 > 1000 || isNaN(data13)){
const err11 = {instancePath:instancePath+"/oomScoreAdj",schemaPath:"#/properties/oomScoreAdj/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1000}};
vErrors = add(vErrors, err11);
errors++;
}
if(data13 < -1000 || isNaN(data13)){
const err12 = {instancePath:instancePath+"/oomScoreAdj",schemaPath:"#/properties/oomScoreAdj/minimum",keyword:"minimum",params:{comparison: ">=", limit: -1000}};
vErrors = add(vErrors, err12);
errors++;
}
}
}
if(data.apparmorProfile !== undefined){
if(typeof data.apparmorProfile !== "string"){
const err13 = {instancePath:instancePath+"/apparmorProfile",schemaPath:"#/properties/apparmorProfile/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err13);
errors++;
}
}
if(data.selinuxLabel !== undefined){
if(typeof data.selinuxLabel !== "string"){
const err14 = {instancePath:instancePath+"/selinuxLabel",schemaPath:"#/properties/selinuxLabel/type",keyword:"type",params:{type: "string"}};
vErrors = add(vErrors, err14);
errors++;
}
}
if(data.scheduler !== undefined){
if(!(validate52(data.scheduler, {instancePath:instancePath+"/scheduler",parentData:data,parentDataProperty:"scheduler",rootData}))){
vErrors = addAll(vErrors, validate52.errors);
errors = vErrors.length;
}
}
if(data.ioPriority !== undefined){
if(!(validate60(data.ioPriority, {instancePath:instancePath+"/ioPriority",parentData:data,parentDataProperty:"ioPriority",rootData}))){
vErrors = addAll(vErrors, validate60.errors);
errors = vErrors.length;
}
}
if(data.execCPUAffinity !== undefined){
if(!(validate63(data.execCPUAffinity, {instancePath:instancePath+"/execCPUAffinity",parentData:data,parentDataProperty:"execCPUAffinity",rootData}))){
vErrors = addAll(vErrors, validate63.errors);
errors = vErrors.length;
}
}
}
else {
const err15 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"}};
vErrors = add(vErrors, err15);
errors++;
}
validate174.errors = vErrors;
return errors === 0;
}
export const validators: { spec: Validator; process: Validator } = { spec: validSpec, process: validProcess }
